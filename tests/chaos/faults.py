"""What the nemesis can do to a cluster. A fault names its possible targets; `aim` looks up what it needs and returns the
strike, which does it at once and returns what lifts it."""
from __future__ import annotations

import os
import resource
import signal
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Protocol

import msgpack
import zmq

from tests.chaos.cluster import process_state
from tests.support.cluster import send_signal, until

Lift = Callable[[], None]
Strike = Callable[[], Lift]
# Deadline of a request that hangs its engine.
HANG_LIMIT_S = 20
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")


class Fault(Protocol):
    @property
    def name(self) -> str: ...
    def targets(self, cluster) -> list[str]: ...
    def aim(self, cluster, target: str) -> Strike: ...


def nothing() -> None:
    """What is lifted by itself: whoever supervises the target starts it again."""


def send(pid: int, number: int) -> None:
    try:
        send_signal(pid, number)
    except ProcessLookupError:
        pass  # it has ended since; that is the nemesis' own race


def end_by(pid: int, number: int) -> Lift:
    """Returns when it has ended, so that nobody takes it for alive: at the latest after a minute."""
    send(pid, number)
    until(lambda: process_state(pid) in ("", "Z"), f"the end of process {pid}")
    return nothing


def freeze(*pids: int) -> Lift:
    for each in pids:
        send(each, signal.SIGSTOP)

    def lift() -> None:
        for each in reversed(pids):
            send(each, signal.SIGCONT)
    return lift


@dataclass(frozen=True)
class OnProcess:
    """A fault of one process of a role: engine, worker, gateway or scheduler. spared: names that it leaves alone, a
    node's with its engines."""

    role: str
    spared: tuple[str, ...] = ()

    def targets(self, cluster) -> list[str]:
        return sorted(each for each in cluster.pids_of(self.role) if each.split("/")[0] not in self.spared)


class Kill(OnProcess):
    @property
    def name(self) -> str:
        return f"kill {self.role}"

    def aim(self, cluster, target: str) -> Strike:
        return partial(end_by, cluster.pids_of(self.role)[target], signal.SIGKILL)


class Restart(OnProcess):
    """A clean end, as `systemctl restart` begins."""

    @property
    def name(self) -> str:
        return f"restart {self.role}"

    def aim(self, cluster, target: str) -> Strike:
        return partial(end_by, cluster.pids_of(self.role)[target], signal.SIGTERM)


class Freeze(OnProcess):
    @property
    def name(self) -> str:
        return f"freeze {self.role}"

    def aim(self, cluster, target: str) -> Strike:
        return partial(freeze, cluster.pids_of(self.role)[target])


class FreezeNode(Freeze):
    """A whole machine: its worker and all its engines."""

    def __init__(self) -> None:
        super().__init__("worker")

    @property
    def name(self) -> str:
        return "freeze node"

    def aim(self, cluster, target: str) -> Strike:
        engines = [pid for name, pid in cluster.engines().items() if name.split("/")[0] == target]
        return partial(freeze, cluster.pids_of("worker")[target], *engines)


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

    def aim(self, cluster, target: str) -> Strike:
        pid = cluster.pids_of(self.role)[target]
        group = MEMORY_GROUPS / f"coppice-chaos-{os.getpid()}-{pid}"
        return partial(self.in_group, pid, group) if try_to(group.mkdir) else partial(self.in_address_space, pid)

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

    def aim(self, cluster, target: str) -> Strike:
        return partial(self.fill, cluster.log_folder / "filler")

    @staticmethod
    def fill(filler: Path) -> Lift:
        with open(filler, "wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 65536):
                    pass
            except OSError:
                pass  # full
        return filler.unlink


@dataclass(frozen=True)
class Cut:
    """Packets between a host and a node vanish in the router: `both` ways, or only `to` or `from` the node."""

    centre: str
    way: str = "both"

    @property
    def name(self) -> str:
        pair = {"both": "{} - node", "to": "{} > node", "from": "node > {}"}[self.way]
        return "cut " + pair.format(self.centre.split("-")[0])

    def targets(self, cluster) -> list[str]:
        return cluster.nodes()

    def aim(self, cluster, target: str) -> Strike:
        ways = {"both": [(self.centre, target), (target, self.centre)], "to": [(self.centre, target)],
                "from": [(target, self.centre)]}[self.way]

        def set_all(cut: bool) -> None:
            for each in ways:
                cluster.set_cut(*each, cut)

        def strike() -> Lift:
            set_all(True)
            return partial(set_all, False)
        return strike


@dataclass(frozen=True)
class Hang:
    """A request whose step never ends: it asks the built-in model `hang` to. At most once, so that it stops one engine;
    whichever takes it is the target."""

    name: str = "hang"

    def targets(self, cluster) -> list[str]:
        return ["the engine that takes it"]

    def aim(self, cluster, target: str) -> Strike:
        dealer = cluster.context.socket(zmq.DEALER)
        dealer.linger, dealer.rcvtimeo = 0, 1000 * HANG_LIMIT_S
        dealer.connect(cluster.endpoints[0])
        header = {"v": 1, "op": "infer", "id": 1, "model": "hang", "timeout_ms": 1000 * HANG_LIMIT_S, "at_most_once": True,
                  "inputs": [{"name": "x", "datatype": "UINT8", "shape": [64], "frame": 0}], "parameters": {"hang": True}}
        message = [b"", msgpack.packb(header), os.urandom(64)]

        def lift() -> None:
            """Once it has its outcome, the engine's end is known."""
            dealer.recv_multipart()
            dealer.close()

        def strike() -> Lift:
            dealer.send_multipart(message)
            return lift
        return strike


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
