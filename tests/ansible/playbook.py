"""Playbooks that tests write, run by the real Ansible on hosts that are all this machine."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import yaml

from tests.ansible.collection import COLLECTION, PYTHON, environment

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}


class Run:
    """What a run of a playbook did, by host and task."""

    def __init__(self, done: subprocess.CompletedProcess):
        self.code, self.told = done.returncode, done.stdout + done.stderr
        self.report = json.loads(done.stdout[done.stdout.index("{"):]) if "{" in done.stdout else {"plays": [], "stats": {}}

    def ran(self, task: str) -> list[str]:
        """The hosts on which a task of that name was not skipped, in order."""
        return [host for play in self.report["plays"] for each in play["tasks"] if each["task"]["name"].split(" : ")[-1] == task
                for host, result in each["hosts"].items() if not result.get("skipped")]

    def changed(self) -> int:
        return sum(each["changed"] for each in self.report["stats"].values())

    def messages(self) -> str:
        return " ".join(str(result.get("msg", "")) for play in self.report["plays"] for each in play["tasks"]
                        for result in each["hosts"].values() if result.get("failed"))


def run(folder: Path, plays: list[dict], hosts: dict[str, dict], *words: str, first_in_path: Path | None = None, **variables) -> Run:
    """hosts: with the variables of each. They are in all of the fleet's groups."""
    path = f"{first_in_path}:{os.environ['PATH']}" if first_in_path else os.environ["PATH"]
    inventory = {"all": {"vars": LOCAL, "children": {group: {"hosts": hosts} for group in ("schedulers", "gateways", "workers")}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    done = subprocess.run(["ansible-playbook", "-i", folder / "hosts.yml", "-e", json.dumps(variables), *words, folder / "play.yml"],
                          capture_output=True, text=True, cwd=COLLECTION, timeout=300,
                          env=environment(PATH=path, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json", ANSIBLE_FORKS="5",
                                          ANSIBLE_PIPELINING="1"))
    return Run(done)
