"""Mounts of this machine below a folder."""
from __future__ import annotations

import shutil
from pathlib import Path

from tests.lab.commands import run, succeeds
from tests.lab.problem import Problem


def unescaped(text: str) -> str:
    """Of mountinfo, where blanks and such are octal."""
    return text.encode().decode("unicode_escape") if "\\" in text else text


def points_in(mountinfo: str, folder: Path) -> list[Path]:
    """Mount points at or below the folder, the innermost first."""
    points = [Path(unescaped(line.split()[4])) for line in mountinfo.splitlines()]
    return [each for each in reversed(points) if each == folder or folder in each.parents]


def mounted_below(folder: Path) -> list[Path]:
    return points_in(Path("/proc/self/mountinfo").read_text(), folder)


def unmount_below(folder: Path) -> None:
    for each in mounted_below(folder):
        if not succeeds("umount", each):
            run("umount", "--lazy", each)


def remove_tree(folder: Path) -> None:
    """Never through a mount: what is on the other side is not the laboratory's."""
    left = mounted_below(folder)
    if left:
        raise Problem(f"cannot remove {folder}", f"{left[0]} is still mounted", f"umount {left[0]}, then scripts/lab down")
    if folder.exists():
        shutil.rmtree(folder)
