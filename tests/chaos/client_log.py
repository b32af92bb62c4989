"""What a client saw: the log that a load process writes and the auditor reads, one line an event.

Times are microseconds of the monotonic clock, the same for all processes of one machine.

    S time number model deadline digest   a request left; digest of its input
    O time number code digest attempts    its outcome: ok or an error code; digest of the input that
                                          this answer belongs to (- for an error)
    L time late                           the client's own loop came that much too late
    E time                                the client ended in order: nothing is missing
"""
from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Sent(NamedTuple):
    at: int
    model: str
    deadline: int
    digest: str


class Outcome(NamedTuple):
    at: int
    number: int
    code: str
    digest: str
    attempts: int


class Late(NamedTuple):
    at: int
    by: int


@dataclass
class ClientLog:
    """One client's log, read."""

    name: str
    sent: dict[int, Sent] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    ended: bool = False
    garbled: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """One line. What is none of the four kinds, or is sent under a number in use, is garbled."""
        try:
            kind, *words = line.split()
            if kind == "S":
                at, number, model, deadline, digest = words
                if int(number) in self.sent:
                    raise ValueError(number)
                self.sent[int(number)] = Sent(int(at), model, int(deadline), digest)
            elif kind == "O":
                at, number, code, digest, attempts = words
                self.outcomes.append(Outcome(int(at), int(number), code, digest, int(attempts)))
            elif kind == "L":
                self.late.append(Late(*map(int, words)))
            elif kind == "E":
                int(*words)
                self.ended = True
            else:
                raise ValueError(kind)
        except (ValueError, TypeError):
            self.garbled.append(line)


def read_log(file: Path) -> ClientLog:
    log = ClientLog(Path(file).stem)
    with open(file) as lines:
        for line in lines:
            log.take(line)
    return log


def now_us() -> int:
    return time.monotonic_ns() // 1000
