"""Processes that outlive the command which started them, told apart from later ones with the same number."""
from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional

from tests.lab.waiting import wait_until

END_LIMIT_S = 30


@dataclass(frozen=True)
class Started:
    """The leader of a session. ticks: when it started, by the kernel's count."""

    pid: int
    ticks: int

    @classmethod
    def of(cls, pid: int) -> Started:
        return cls(pid, int(fields(pid)[19]))

    def is_alive(self) -> bool:
        stat = fields(self.pid)
        return bool(stat) and stat[0] != "Z" and int(stat[19]) == self.ticks

    def is_replaced(self) -> bool:
        """Whether its number belongs to another process by now: then nothing of its session is left."""
        stat = fields(self.pid)
        return bool(stat) and int(stat[19]) != self.ticks


def fields(pid: int) -> list[str]:
    """Of /proc/PID/stat from the state on, empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def all_pids() -> Iterator[int]:
    return (int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())


def is_running(pid: int) -> bool:
    stat = fields(pid)
    return bool(stat) and stat[0] != "Z"


def children(pid: int) -> list[int]:
    return [each for each in all_pids() if (stat := fields(each)) and int(stat[1]) == pid]


def session(leader: Started) -> list[int]:
    if leader.is_replaced():
        return []
    return [each for each in all_pids() if (stat := fields(each)) and int(stat[3]) == leader.pid and stat[0] != "Z"]


def kill(pids: list[int]) -> None:
    """Each by its own number; returns when all have ended."""
    for each in pids:
        strike(each)
    wait_until(lambda: not any(map(is_running, pids)), f"the end of processes {pids}", END_LIMIT_S, "look at them with ps")


def strike(pid: int) -> None:
    assert pid > 1 and pid != os.getpid(), pid
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with open(descriptor):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)


def kill_session(leader: Optional[Started]) -> None:
    if leader is not None:
        kill(session(leader))
