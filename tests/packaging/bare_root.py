"""A root folder with chosen Debian packages of this machine and nothing else: what a program finds on a bare system."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "packaging/archive"))
import debian  # noqa: E402  (it lies beside the program that it is part of)

MERGED = ("bin", "sbin", "lib", "lib64")  # links into /usr
LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}


def copy_package(name, root):
    listed = subprocess.run(["dpkg-query", "--listfiles", name], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        source = Path(line)
        if line.startswith(LEFT_OUT) or not line.startswith("/") or not os.path.lexists(source):
            continue
        target = root / str(source.parent.resolve() / source.name)[1:]
        if source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(target):
                target.symlink_to(os.readlink(source))
        elif source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


class BareRoot:
    def __init__(self, path, packages):
        if os.geteuid() != 0:
            pytest.skip("only root may make a root folder to run in")
        self.path = Path(path)
        self.path.chmod(0o755)
        for name in MERGED:
            (self.path / "usr" / name).mkdir(parents=True, exist_ok=True)
            (self.path / name).symlink_to(f"usr/{name}")
        for name in ("proc", "dev", "sys", "run", "tmp", "root", "etc"):
            (self.path / name).mkdir(exist_ok=True)
        (self.path / "tmp").chmod(0o1777)
        for name in packages:
            copy_package(name, self.path)
        for name, text in FILES.items():
            (self.path / name).write_text(text)
        self.run("ldconfig")

    def command(self, *command):
        """In a process tree of its own, which ends with it."""
        script = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script, str(self.path), *map(str, command)]

    def run(self, *command, **more):
        return subprocess.run(self.command(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
