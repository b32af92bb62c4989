"""The fleet that Ansible makes of the laboratory's hosts: what scenarios of fleets begin with, and how they send to it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Iterable, Optional, Sequence

from tests.chaos.load import Kind, sleep
from tests.lab.lab import Lab
from tests.lab.load import Load, start_load
from tests.lab.playbook import Played
from tests.lab.releases import Release, ensure_release, this_version
from tests.lab.scenario import Report
from tests.support.cluster import BIN

CLIENT = "client-1"
CLIENT_FOLDER = "/opt/coppice-client"
# Timed work, so that the processors are not the limit. A worker of the laboratory has one engine, which takes one at a time.
STEP_MS = 4
CAPACITY = 3 * 1000 / STEP_MS
WORK = (sleep(STEP_MS),)
UNTIL_STOPPED_S = 3600


class Fleet:
    """variables: what the inventory of the laboratory leaves open, as extra variables of every playbook."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.version = this_version(lab.places.repository)
        self.endpoints_file = lab.places.folder / "endpoints"
        self.clients: dict[str, str] = {}
        self.variables: dict = {"release_version": self.version, "release_archive_dir": str(self.archives(Release(self.version))),
                                "pki_ca_dir": str(lab.places.folder / "ca"), "gateway_endpoints_file": str(self.endpoints_file)}

    def archives(self, release: Release) -> Path:
        return ensure_release(self.lab.places, release)

    def play(self, playbook: str, *, check: bool = False, may_fail: bool = False, **more) -> Played:
        """more: variables of this run."""
        listed = [{"name": name, "key": {"__ansible_unsafe": key}, "tenant": "lab"} for name, key in self.clients.items()]
        return self.lab.ansible.play(playbook, extra_vars={**self.variables, "gateway_clients": listed, **more}, check=check,
                                     may_fail=may_fail)

    def upgrade(self, release: Release, **more) -> Played:
        return self.play("upgrade.yml", release_version=release.version, release_archive_dir=str(self.archives(release)), **more)

    # Clients.

    def make_client(self, name: str) -> None:
        """The client host makes a key pair itself, and passes on the public key alone."""
        self.lab.put(CLIENT, [BIN / "coppice"], CLIENT_FOLDER)
        file = f"{CLIENT_FOLDER}/{name}.key"
        if not self.lab.succeeds(CLIENT, "test", "-e", file):
            self.ask("keys", "new", file)
        self.clients[name] = self.ask("keys", "show", file).strip()

    def ask(self, *words: object) -> str:
        """A command on the client host."""
        return self.lab.run(CLIENT, f"{CLIENT_FOLDER}/coppice", *words)

    def endpoints(self) -> list[str]:
        return self.endpoints_file.read_text().split()

    def predict(self, name: str, endpoint: str) -> dict:
        """One inference by the command, with that client's key."""
        told = self.ask("predict", "echo", "x=[1,2,3]", "--endpoint", endpoint, "--key-file", f"{CLIENT_FOLDER}/{name}.key", "--json")
        return json.loads(told)

    def load(self, share: float, *, name: str = "load", client: str = "client", endpoints: Optional[Sequence[str]] = None,
             mix: Iterable[Kind] = WORK, seconds: float = UNTIL_STOPPED_S) -> Load:
        """share: of what three workers can do."""
        return start_load(self.lab, endpoints or self.endpoints(), CAPACITY * share, seconds, name=name, mix=tuple(mix),
                          key_file=f"{CLIENT_FOLDER}/{client}.key")

    # What runs.

    def release_of(self, host: str, part: str) -> str:
        """The release that a part's process was started from; empty: it does not run."""
        told = self.lab.run(host, "sh", "-c", f"readlink /proc/$(systemctl show -P MainPID coppice-{part})/exe || true").split("/")
        return told[told.index("releases") + 1] if "releases" in told else ""

    def current(self, host: str) -> str:
        """The release that lies there as the current one; empty: none."""
        return self.lab.run(host, "sh", "-c", "readlink /opt/coppice/current || true").strip().rpartition("/")[2]

    def releases(self) -> dict[str, set[str]]:
        """The releases that run, by part."""
        return {"gateway": {self.release_of(each, "gateway") for each in self.lab.names("gateway")},
                "scheduler": {self.release_of(each, "scheduler") for each in self.lab.names("gateway")},
                "worker": {self.release_of(each, "worker") for each in self.lab.names("worker")}}

    def serving(self, gateway: str = "gateway-1") -> set[str]:
        """Nodes with an engine that takes work, as a gateway tells it."""
        told = json.loads(self.lab.run(gateway, "/opt/coppice/current/bin/coppice", "status", "--operator",
                                       "ipc:///run/coppice/operator.sock", "--json"))
        return {node["name"] for node in told["nodes"] for worker in node["workers"] for engine in worker["engines"]
                if engine["verdict"] in ("up", "probation")}


def provisioned(lab: Lab, report: Report) -> Fleet:
    """As the inventory says, whatever scenarios before have left."""
    fleet = Fleet(lab)
    with report.step("the fleet is as the inventory says"):
        fleet.make_client("client")
        if any(fleet.current(each) not in ("", fleet.version) for each in lab.names("gateway") + lab.names("worker")):
            fleet.play("upgrade.yml")
        fleet.play("site.yml")
    return fleet

