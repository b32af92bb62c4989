"""Which packages a host has: those of a machine that Ansible can work on, and the libraries that the binaries load."""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Callable, Iterable, Optional

from tests.lab.problem import Problem

# sudo and procps: Ansible's `become` and its module for sysctl call them.
HOST_PACKAGES = ("systemd-sysv", "dbus", "openssh-server", "python3", "python3-apt", "iproute2", "nftables", "ca-certificates",
                 "sudo", "procps", "python3-zmq", "python3-msgpack")


def loaded_libraries(ldd_told: str) -> list[Path]:
    """Paths from what ldd wrote. @raises Problem if a library was not found."""
    lost = re.findall(r"^\s*(\S+) => not found", ldd_told, re.M)
    if lost:
        raise Problem("cannot tell which packages the binaries need", f"not found here: {', '.join(sorted(set(lost)))}",
                      "scripts/setup installs them")
    return [Path(each) for each in re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", ldd_told, re.M)]


def spellings(path: Path) -> list[str]:
    """What dpkg may know a file as: before or after /lib became a link to /usr/lib, by its name or its link's target."""
    real = Path(os.path.realpath(path))
    found = []
    for each in (path, real):
        text = str(each)
        merged = text.removeprefix("/usr") if text.startswith("/usr/lib") else f"/usr{text}" if text.startswith("/lib") else text
        found += [text, merged]
    return list(dict.fromkeys(found))


def owner(path: Path, ask: Callable[[str], Optional[str]]) -> Optional[str]:
    """The package that has this file. None: no package has it, so it comes with the release."""
    return next((package for each in spellings(path) if (package := ask(each))), None)


def ask_dpkg(path: str) -> Optional[str]:
    done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
    return package_in(done.stdout) if done.returncode == 0 else None


def package_in(told: str) -> Optional[str]:
    """Of what `dpkg -S` wrote: `libzmq5:amd64: /usr/lib/...`; a file that is diverted has other lines."""
    for line in told.splitlines():
        names, _, _ = line.rpartition(": ")
        if names and not line.startswith("diversion "):
            return names.split(",")[0].split(":")[0]
    return None


def library_packages(binaries: Iterable[Path]) -> set[str]:
    files = [each for each in binaries if is_program(each)]
    if not files:
        raise Problem("cannot tell which packages the binaries need", "there are no binaries", "build them, or set COPPICE_BIN")
    done = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True)
    libraries = set(loaded_libraries(done.stdout))
    return {package for each in libraries if (package := owner(each, ask_dpkg))}


def is_program(file: Path) -> bool:
    with open(file, "rb") as opened:
        return opened.read(4) == b"\x7fELF"


def host_packages(folder: Path) -> list[str]:
    """folder: with the project's binaries."""
    return sorted({*HOST_PACKAGES, *library_packages(each for each in folder.iterdir() if each.is_file())})
