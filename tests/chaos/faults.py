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
from tests.support.cluster import until

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
        os.kill(pid, number)
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


@dataclass(frozen=True)
class Squeeze(OnProcess):
    """Less memory than the process is going to want: a memory cgroup where one can be made, which kills it
    by SIGKILL; else an address space limit, which fails its allocations."""

    spare_bytes: int = 256 * 1024

    @property
    def name(self) -> str:
        return f"squeeze {self.role}"

    def strike(self, cluster, target: str) -> Lift:
        pid = cluster.pids_of(self.role)[target]
        if os.access(MEMORY_GROUPS, os.W_OK):
            return self.in_group(pid)
        before = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (resident_bytes(pid), before[1]))
        return lambda: resource.prlimit(pid, resource.RLIMIT_AS, before) and None

    def in_group(self, pid: int) -> Lift:
        group = MEMORY_GROUPS / f"coppice-chaos-{os.getpid()}-{pid}"
        group.mkdir()
        (group / "memory.move_charge_at_immigrate").write_text("3")
        (group / "cgroup.procs").write_text(str(pid))
        used = int((group / "memory.usage_in_bytes").read_text())
        (group / "memory.limit_in_bytes").write_text(str(used + self.spare_bytes))

        def lift() -> None:
            for each in (group / "cgroup.procs").read_text().split():
                (MEMORY_GROUPS / "cgroup.procs").write_text(each)
            group.rmdir()
        return lift


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
