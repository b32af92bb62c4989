"""What a machine needs for a laboratory: rights, kernel features, and programs, which are installed if they are missing."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Optional

from tests.lab.commands import last_lines, succeeds
from tests.lab.network import RULES
from tests.lab.problem import Problem
from tests.lab.progress import say

# Package: a program that it brings.
TOOLS = {"debootstrap": "debootstrap", "systemd-container": "systemd-nspawn", "nftables": "nft", "iproute2": "ip",
         "openssh-client": "ssh", "ansible": "ansible-playbook"}


def obstacle(cache: Path) -> Optional[str]:
    """Why no laboratory can be made here; None: it can."""
    if os.geteuid() != 0:
        return "it takes root"
    if not succeeds("unshare", "--net", "--mount", "--pid", "--fork", "true"):
        return "namespaces cannot be made"
    if not any(line.split()[2].startswith("cgroup") for line in Path("/proc/mounts").read_text().splitlines()):
        return "no control groups are mounted, without which systemd does not start"
    if not can_stack(cache):
        return f"no overlay can be mounted in {cache}"
    if shutil.which("nft") and not can_cut():
        return "the kernel has no nftables for bridges"
    return None


def can_cut() -> bool:
    """Whether the rules of the wires are taken, seen in a network namespace of its own."""
    return subprocess.run(["unshare", "--net", "nft", "-f", "-"], input=RULES, text=True, capture_output=True).returncode == 0


def can_stack(cache: Path) -> bool:
    """Whether a file system can be laid over another there, seen in a mount namespace of its own."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="try-") as folder:
        for each in ("lower", "upper", "work", "both"):
            Path(folder, each).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        return succeeds("unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, f"{folder}/both")


def missing_tools() -> list[str]:
    return [package for package, program in TOOLS.items() if not shutil.which(program)]


def install_tools() -> None:
    missing = missing_tools()
    if not missing:
        return
    say(f"installing {', '.join(missing)}")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=600"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run([*apt, *words], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise Problem("the distribution's packages could not be installed", last_lines(done.stderr),
                          "check the network and 'apt-get update'")
