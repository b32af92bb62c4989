"""What the nemesis can do to a cluster. A fault names its possible targets; `strike` does it and returns
what lifts it."""
from __future__ import annotations

import os
import resource
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Protocol

from tests.chaos.cluster import process_state
from tests.support.cluster import send_signal, until

Lift = Callable[[], None]
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")


class Fault(Protocol):
    @property
    def name(self) -> str: ...
    def targets(self, cluster) -> list[str]: ...
    def strike(self, cluster, target: str) -> Lift: ...


def nothing() -> None:
    """What is lifted by itself: whoever supervises the target starts it again."""


def send(pid: int, number: int) -> None:
    try:
        send_signal(pid, number)
    except ProcessLookupError:
        pass  # it has ended since; that is the nemesis' own race


def end_by(pid: int, number: int) -> None:
    """Returns when it has ended, so that nobody takes it for alive: at the latest after a minute."""
    send(pid, number)
    until(lambda: process_state(pid) in ("", "Z"), f"the end of process {pid}")


@dataclass(frozen=True)
class OnProcess:
    """A fault of one process of a role: engine, worker, gateway or scheduler."""

    role: str

    def targets(self, cluster) -> list[str]:
        return sorted(cluster.pids_of(self.role))


class Kill(OnProcess):
    @property
    def name(self) -> str:
        return f"kill {self.role}"

    def strike(self, cluster, target: str) -> Lift:
        end_by(cluster.pids_of(self.role)[target], signal.SIGKILL)
        return nothing


class Restart(OnProcess):
    """A clean end, as `systemctl restart` begins."""

    @property
    def name(self) -> str:
        return f"restart {self.role}"

    def strike(self, cluster, target: str) -> Lift:
        end_by(cluster.pids_of(self.role)[target], signal.SIGTERM)
        return nothing


class Freeze(OnProcess):
    @property
    def name(self) -> str:
        return f"freeze {self.role}"

    def strike(self, cluster, target: str) -> Lift:
        pid = cluster.pids_of(self.role)[target]
        send(pid, signal.SIGSTOP)
        return lambda: send(pid, signal.SIGCONT)


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def try_to(act: Callable[[], object]) -> bool:
    try:
        act()
        return True
    except OSError:
        return False


@dataclass(frozen=True)
class Squeeze(OnProcess):
    """Hardly any memory beyond what the process has: in a memory cgroup, where one can be made, more is answered
    by SIGKILL; else, by an address space limit, with a failed allocation."""

    spare_bytes: int = 512 * 1024

    @property
    def name(self) -> str:
        return f"squeeze {self.role}"

    def strike(self, cluster, target: str) -> Lift:
        pid = cluster.pids_of(self.role)[target]
        group = MEMORY_GROUPS / f"coppice-chaos-{os.getpid()}-{pid}"
        return self.in_group(pid, group) if try_to(group.mkdir) else self.in_address_space(pid)

    def in_group(self, pid: int, group: Path) -> Lift:
        """What the process had before is not counted there."""
        (group / "memory.limit_in_bytes").write_text(str(self.spare_bytes))
        try_to(lambda: (group / "cgroup.procs").write_text(str(pid)))  # it may have ended since

        def lift() -> None:
            for each in (group / "cgroup.procs").read_text().split():
                try_to(lambda: (MEMORY_GROUPS / "cgroup.procs").write_text(each))
            until(lambda: try_to(group.rmdir), "the memory group to be empty")
        return lift

    def in_address_space(self, pid: int) -> Lift:
        before = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (resident_bytes(pid), before[1]))
        return lambda: try_to(lambda: resource.prlimit(pid, resource.RLIMIT_AS, before)) and None


@dataclass(frozen=True)
class FullDisk:
    """The small file system that holds logs and ready files has no room left (see Campaign.small_disk)."""

    name: str = "full disk"

    def targets(self, cluster) -> list[str]:
        return ["logs"]

    def strike(self, cluster, target: str) -> Lift:
        filler = cluster.log_folder / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 65536):
                    pass
            except OSError:
                pass  # full
        return filler.unlink


@dataclass(frozen=True)
class Cut:
    """Packets between two hosts vanish in the router: both ways, or from the first to the second."""

    one_way: bool = False

    @property
    def name(self) -> str:
        return "cut one way" if self.one_way else "cut"

    def targets(self, cluster) -> list[str]:
        return [f"{a}>{b}" for a, b in cluster.cuttable(self.one_way)]

    def strike(self, cluster, target: str) -> Lift:
        a, b = target.split(">")
        ways = [(a, b)] if self.one_way else [(a, b), (b, a)]
        for each in ways:
            cluster.set_cut(*each, True)

        def lift() -> None:
            for each in ways:
                cluster.set_cut(*each, False)
        return lift


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own for a folder, so that it can be filled. `with SmallDisk(folder):`"""

    folder: Path
    megabytes: int = 4

    def __enter__(self) -> SmallDisk:
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,mode=700", "coppice-chaos", self.folder],
                       check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", self.folder], check=True)
