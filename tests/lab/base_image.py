"""The file system that all hosts stand on: a Debian of this machine's release, made once and kept by its list of packages."""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Iterator, Optional

from tests.lab.commands import last_lines, run
from tests.lab.mounts import remove_tree, unmount_below
from tests.lab.problem import Problem
from tests.lab.processes import Started, kill_session
from tests.lab.progress import say

# Changes with what `configure` does: images of before are not taken any more.
RECIPE = 1
# They wait for a network that hosts do not have, or for a person at a console.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "console-getty.service",
          "getty.target", "systemd-firstboot.service")
Note = Callable[[Started], None]


def suite() -> str:
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if release.get("ID") != "debian":
        raise Problem("cannot make a base image", f"this is {release.get('PRETTY_NAME', 'not Debian')}", "use Debian 12")
    return release["VERSION_CODENAME"]


def image_key(release: str, architecture: str, packages: list[str]) -> str:
    text = "\n".join([str(RECIPE), release, architecture, *sorted(packages)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def mirror_in(targets: str, release: str) -> str:
    """Of what `apt-get indextargets` wrote (origin, release, component, address): the address that serves this release."""
    for line in targets.splitlines():
        origin, suite_name, component, address = line.split()
        if (origin, suite_name, component) == ("Debian", release, "main"):
            return address
    raise Problem("cannot make a base image", f"apt knows no source of Debian's {release} main", "run apt-get update")


def mirror(release: str) -> str:
    return mirror_in(run("apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(COMPONENT) $(REPO_URI)",
                         "Created-By: Packages"), release)


@contextlib.contextmanager
def alone(cache: Path) -> Iterator[None]:
    """One at a time makes images: another laboratory may want the same one."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "base.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another laboratory makes a base image; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_base(cache: Path, packages: list[str], note: Callable[[Path, Optional[Started]], None]) -> Path:
    """note: is told of each process that makes the image, so that it can be ended, and when there is none any more."""
    release, architecture = suite(), run("dpkg", "--print-architecture").strip()
    base = cache / f"base-{image_key(release, architecture, packages)}"
    with alone(cache):
        if not base.exists():
            partial = partial_of(base)
            clear(partial)
            say(f"making the base image of {len(packages)} packages and what they need (minutes, once)")
            bootstrap(release, packages, partial, lambda builder: note(base, builder))
            configure(partial)
            os.rename(partial, base)
    note(base, None)
    return base


def partial_of(base: Path) -> Path:
    return base.with_name(f"{base.name}.partial")


def clear(partial: Path) -> None:
    """What an interrupted bootstrap left, mounts included."""
    unmount_below(partial)
    remove_tree(partial)


def clear_if_left(base: Path) -> None:
    """Unless another laboratory is making that image by now: then it is not what was left."""
    with open(base.parent / "base.lock", "w") as lock, contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        clear(partial_of(base))


def bootstrap(release: str, packages: list[str], folder: Path, note_builder: Note) -> None:
    build(["debootstrap", "--variant=minbase", release, folder, mirror(release)], folder, note_builder)
    # By apt in the new system: debootstrap's own resolver knows no virtual packages.
    build(["env", "SYSTEMD_NSPAWN_LOCK=0", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no",
           "--resolv-conf=replace-host", "--pipe", "--as-pid2", f"--machine={folder.stem}", f"--directory={folder}",
           "--setenv=DEBIAN_FRONTEND=noninteractive",
           "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "install", "--no-install-recommends", "-y", *packages], folder, note_builder)


def build(words: list[object], folder: Path, note_builder: Note) -> None:
    told = folder.with_suffix(".log")
    with open(told, "w") as log:
        # A session of its own: whoever ends it ends all that it started.
        process = subprocess.Popen([str(each) for each in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        builder = Started.of(process.pid)
        note_builder(builder)
        try:
            code = wait_telling(process, told)
        finally:
            kill_session(builder)
            process.wait()
    if code != 0:
        raise Problem(f"{words[0]} failed", last_lines(told.read_text()), f"see {told}; check the network, then again")
    told.unlink()


def wait_telling(process: subprocess.Popen, told: Path) -> int:
    """Says each half minute where it is."""
    while True:
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            lines = told.read_text().splitlines()
            say(f"  {lines[-1].removeprefix('I: ')[:100] if lines else '...'}")


def configure(root: Path) -> None:
    """What all hosts have in common, and what none may share with another."""
    for each in root.glob("etc/ssh/ssh_host_*"):
        each.unlink()
    (root / "etc/machine-id").write_text("")
    for each in ("hostname", "resolv.conf"):
        (root / "etc" / each).unlink(missing_ok=True)
    for each in root.glob("var/cache/apt/archives/*.deb"):
        each.unlink()
    # Parallel first boots may fail in it; it changes nothing any more when it has run.
    run("systemd-sysusers", f"--root={root}")
    run("systemctl", f"--root={root}", "mask", *MASKED)
    run("systemctl", f"--root={root}", "enable", "ssh.service")
    shutil.rmtree(root / "var/log/journal", ignore_errors=True)
    (root / "var/log/journal").mkdir()
