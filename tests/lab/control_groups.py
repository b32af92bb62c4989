"""Groups of the kernel's that hold a whole host: systemd needs one of its own, and memory can be limited from outside."""
from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tests.lab.waiting import wait_until

END_LIMIT_S = 10
# What version 1 calls the limit and takes for none, and version 2.
LIMITS = {1: ("memory.limit_in_bytes", "-1"), 2: ("memory.max", "max")}
# Of version 1: systemd's own hierarchy, and the one with limits.
NEEDED = ("name=systemd", "memory")


@dataclass(frozen=True)
class Hierarchy:
    """Version 1 or 2, and the folder in which groups of the laboratory are made."""

    version: int
    parent: Path


def hierarchies(mountinfo: str, own: str) -> list[Hierarchy]:
    """mountinfo, own: of /proc/self. Groups are made below the one of this process, so that its own limits hold; of version
    2 at the top, since a group that has processes gives its controllers to none below it."""
    paths = {tuple(names.split(",")): path for _, names, path in (line.split(":", 2) for line in own.splitlines())}
    found = []
    for line in mountinfo.splitlines():
        place, _, mounted = line.partition(" - ")
        kind, _, options = mounted.split()[:3]
        mount = Path(place.split()[4])
        if kind == "cgroup2":
            found.append(Hierarchy(2, mount))
        elif kind == "cgroup" and (path := path_of(paths, options.split(","))) is not None:
            found.append(Hierarchy(1, mount / path.lstrip("/")))
    return found


def path_of(paths: dict[tuple[str, ...], str], options: list[str]) -> Optional[str]:
    """The own group in the hierarchy of version 1 that is mounted with these options, if it is one that is needed."""
    return next((path for controllers, path in paths.items() if set(controllers) & set(NEEDED) & set(options)), None)


def here() -> list[Hierarchy]:
    return hierarchies(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())


def planned(name: str) -> list[Path]:
    """The laboratory's group in each hierarchy."""
    return [each.parent / name for each in here()]


def create(name: str) -> None:
    for each in here():
        group = each.parent / name
        group.mkdir()
        if each.version == 2:
            for above in (each.parent, group):
                give_memory(above)


def give_memory(group: Path) -> None:
    """To the groups below; where version 1 has the memory controller, version 2 has none to give."""
    if "memory" in (group / "cgroup.controllers").read_text().split():
        (group / "cgroup.subtree_control").write_text("+memory")


def add_host(groups: list[Path], host: str) -> list[Path]:
    folders = [each / host for each in groups]
    for each in folders:
        each.mkdir(exist_ok=True)
    return folders


def join(folders: list[Path]) -> None:
    """The calling process, and all that it starts."""
    for each in folders:
        (each / "cgroup.procs").write_text("0")


def limit_file(groups: list[Path], host: str) -> Optional[tuple[Path, str]]:
    """Where the host's limit of memory stands, and what stands there for none."""
    return next(((file, none) for each in groups for name, none in LIMITS.values() if (file := each / host / name).exists()), None)


def remove(group: Path) -> None:
    """The group with all below it. Its processes have been ended; the kernel may still take them apart."""
    for each in sorted(group.rglob("*"), reverse=True):
        if each.is_dir():
            wait_until(lambda: gone(each), f"the control group {each} to be empty", END_LIMIT_S, "look at its cgroup.procs")
    wait_until(lambda: gone(group), f"the control group {group} to be empty", END_LIMIT_S, "look at its cgroup.procs")


def gone(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        pass
    except OSError as failure:
        if failure.errno != errno.EBUSY:
            raise
        return False
    return True
