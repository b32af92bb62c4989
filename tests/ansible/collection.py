"""The Ansible collection as tests use it: its folder, its modules as Ansible starts them, a cluster that answers by a file."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COLLECTION = REPOSITORY / "ansible"
# The distribution's: Ansible is not in the project's virtual environment.
PYTHON = "/usr/bin/python3"


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(COLLECTION / "collections"), "LC_ALL": "C.UTF-8", **more}


def run_module(module: str, check: bool = False, path: str = os.environ["PATH"], **arguments) -> dict:
    """Runs a module as Ansible does on a host: a process of its own, JSON in and out."""
    given = {"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}}
    done = subprocess.run([PYTHON, COLLECTION / f"plugins/modules/{module}.py"], input=json.dumps(given), capture_output=True, text=True,
                          env=environment(PATH=path), timeout=60)
    assert done.stdout.startswith("{") or "\n{" in done.stdout, done.stdout + done.stderr
    return json.loads(done.stdout[done.stdout.index("{"):])


class FakeCluster:
    """A `coppice` program in a folder, with the cluster that it tells of."""

    def __init__(self, folder: Path, **cluster):
        self.folder = folder
        self.program = folder / "coppice"
        shutil.copy(Path(__file__).with_name("fake_coppice.py"), self.program)
        self.program.chmod(0o755)
        (folder / "cluster.json").write_text(json.dumps(cluster))

    @property
    def calls(self) -> list[list[str]]:
        file = self.folder / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def calls_of(self, verb: str) -> list[list[str]]:
        return [each for each in self.calls if each[0] == verb]
