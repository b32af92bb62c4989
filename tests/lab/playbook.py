"""Runs Ansible's playbooks against the hosts, from the control side."""
from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tests.lab.commands import last_lines, succeeds
from tests.lab.network import Network
from tests.lab.places import Places
from tests.lab.problem import Problem

COUNTS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
RECAP_LINE = re.compile(r"^(\S+)\s+: " + r"\s+".join(rf"{each}=(\d+)" for each in COUNTS), re.M)
TOLD_LINES = 25


@dataclass(frozen=True)
class Recap:
    """What a playbook did on one host, in tasks."""

    ok: int
    changed: int
    unreachable: int
    failed: int
    skipped: int
    rescued: int
    ignored: int


@dataclass(frozen=True)
class Played:
    """One run of a playbook. log: all that it wrote."""

    code: int
    seconds: float
    recap: dict[str, Recap]
    log: Path

    @property
    def changed(self) -> int:
        return sum(each.changed for each in self.recap.values())

    def hosts(self, count: str) -> list[str]:
        """Those with any task of that kind, such as `failed`."""
        return [name for name, each in self.recap.items() if getattr(each, count)]


def recap_in(told: str) -> dict[str, Recap]:
    """The counts below the last recap; a playbook that never began has none."""
    _, _, last = told.rpartition("\nPLAY RECAP ")
    return {name: Recap(*map(int, counts)) for name, *counts in RECAP_LINE.findall(last)}


class Ansible:
    def __init__(self, places: Places, network: Network) -> None:
        self.places, self.network = places, network
        self.collection = places.repository / "ansible"

    def play(self, playbook: str | Path, *, extra_vars: Optional[dict] = None, limit: Optional[str] = None, tags: Optional[str] = None,
             check: bool = False, may_fail: bool = False, limit_s: float = 1800) -> Played:
        """playbook: a path, or the name of one of the collection's. check: changes nothing, and tells what it would.
        @raises Problem if a host failed, unless it may."""
        words = [self.path(playbook), "--inventory", self.places.inventory]
        words += ["--limit", limit] if limit else []
        words += ["--tags", tags] if tags else []
        words += ["--check", "--diff"] if check else []
        with tempfile.TemporaryDirectory(prefix="lab-") as folder:
            if extra_vars:  # in a file, since they may be secret
                variables = Path(folder, "extra_vars.json")
                variables.write_text(json.dumps(extra_vars))
                words += ["--extra-vars", f"@{variables}"]
            try:
                played = self.execute(words, Path(folder), limit_s)
            finally:
                self.close_connections(Path(folder))
        if played.code != 0 and not may_fail:
            raise Problem(f"the playbook {playbook} failed with {played.code}", last_lines(played.log.read_text(), TOLD_LINES),
                          f"see {played.log}")
        return played

    def path(self, playbook: str | Path) -> Path:
        return playbook if isinstance(playbook, Path) else self.collection / "playbooks" / playbook

    def execute(self, words: list[object], sockets: Path, limit_s: float) -> Played:
        self.places.logs.mkdir(exist_ok=True)
        log = self.places.logs / f"playbook-{len(list(self.places.logs.glob('playbook-*')))}-{Path(str(words[0])).stem}.log"
        began = time.monotonic()
        with open(log, "w") as told:
            try:
                code = subprocess.run(self.network.inside("ansible-playbook", *words), stdin=subprocess.DEVNULL, stdout=told, stderr=told,
                                      cwd=self.collection if self.collection.is_dir() else self.places.repository,
                                      env=self.environment(sockets), timeout=limit_s).returncode
            except subprocess.TimeoutExpired:
                raise Problem(f"the playbook {words[0]} did not end", f"not within {limit_s:g} s", f"see {log}") from None
        return Played(code, time.monotonic() - began, recap_in(log.read_text()), log)

    @staticmethod
    def environment(sockets: Path) -> dict[str, str]:
        """Shared connections end with the playbook: one to a host that lost its power since would only hang."""
        return {**os.environ, "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets), "ANSIBLE_PIPELINING": "True", "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_RETRY_FILES_ENABLED": "False"}

    def close_connections(self, folder: Path) -> None:
        for each in folder.iterdir():
            if each.is_socket():
                succeeds("ssh", "-O", "exit", "-o", f"ControlPath={each}", "lab", limit_s=10)
