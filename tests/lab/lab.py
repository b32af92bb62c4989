"""A laboratory that is up, as scenarios see it."""
from __future__ import annotations

import shlex
from pathlib import Path
from typing import Iterable, Optional

from tests.lab import ssh
from tests.lab.commands import last_lines, run, succeeds
from tests.lab.faults import Faults
from tests.lab.fleet import plan_of
from tests.lab.machine import Machine
from tests.lab.network import Network
from tests.lab.places import Places
from tests.lab.playbook import Ansible
from tests.lab.problem import Problem
from tests.lab.progress import say
from tests.lab.state import State
from tests.lab.waiting import wait_until

BOOT_LIMIT_S = 180
CALL_LIMIT_S = 60
# What `systemctl is-system-running` says of a host that has booted.
BOOTED = ("running", "degraded")


class Lab:
    def __init__(self, places: Places, state: State) -> None:
        self.places, self.state = places, state
        self.network = Network(places)
        self.plans = [plan_of(each) for each in state.hosts]
        self.machines = {each.name: Machine(places, self.network, each) for each in self.plans}
        self.faults = Faults(self)
        self.ansible = Ansible(places, self.network)
        # Hosts that were installed by this command, and that no scenario had yet.
        self.untouched: set[str] = set()

    def names(self, kind: str) -> list[str]:
        """Of the hosts of a kind: gateway, worker or client."""
        return [each.name for each in self.plans if each.kind == kind]

    def address(self, host: str) -> str:
        return self.machines[host].plan.address

    # A host's power and disk; scenarios take faults.power_off and power_on, which are noted.

    def is_on(self, host: str) -> bool:
        holder = self.state.running.get(host)
        return holder is not None and holder.is_alive()

    def switch_on(self, host: str) -> None:
        if self.is_on(host):
            raise Problem(f"cannot switch {host} on", "it is on", "switch it off before")
        self.switch_off(host)  # it may have ended by itself, and left its namespace
        self.state.running[host] = self.machines[host].power_on([Path(each) for each in self.state.control_groups])
        self.save()

    def switch_off(self, host: str) -> None:
        self.machines[host].power_off(self.state.running.get(host))
        self.state.running.pop(host, None)
        self.save()

    def reinstall(self, *hosts: str) -> None:
        """An empty disk, new keys of its own; returns when they have booted."""
        for each in hosts:
            self.switch_off(each)
            self.machines[each].remove_disk()
            self.machines[each].make_disk(Path(self.state.base), self.plans)
        ssh.write_config(self.places, self.plans)
        for each in hosts:
            self.switch_on(each)
        self.wait_booted(hosts)
        self.untouched.update(hosts)

    def save(self) -> None:
        self.state.save(self.places.state)

    # Calls over ssh from the control side.

    def ssh(self, host: str, *words: object) -> list[str]:
        return self.network.inside("ssh", "-F", self.places.ssh_config, host, "--", shlex.join(map(str, words)))

    def run(self, host: str, *words: object, given: Optional[str] = None, limit_s: float = CALL_LIMIT_S) -> str:
        """@returns what it wrote. @raises Problem if it failed or took longer."""
        return run(*self.ssh(host, *words), given=given, limit_s=limit_s)

    def succeeds(self, host: str, *words: object, limit_s: float = CALL_LIMIT_S) -> bool:
        return succeeds(*self.ssh(host, *words), limit_s=limit_s)

    def put(self, host: str, files: Iterable[Path], folder: str) -> None:
        """Files and folders into a folder of the host's, which is made."""
        self.run(host, "mkdir", "-p", folder)
        if sources := list(files):
            run(*self.network.inside("scp", "-qrF", self.places.ssh_config, *sources, f"{host}:{folder}/"))

    def get(self, host: str, file: str, into: Path) -> None:
        run(*self.network.inside("scp", "-qrF", self.places.ssh_config, f"{host}:{file}", into))

    # Boot.

    def system_state(self, host: str, wait: bool = False, limit_s: float = 15) -> str:
        """`running` and so on; empty if the host does not answer."""
        question = f"systemctl is-system-running {'--wait' if wait else ''} || true"
        try:
            return self.run(host, "sh", "-c", question, limit_s=limit_s).strip()
        except Problem:
            return ""

    def wait_booted(self, hosts: Iterable[str], limit_s: float = BOOT_LIMIT_S) -> None:
        for each in hosts:
            try:
                state = wait_until(lambda: (told := self.system_state(each, wait=True)) in BOOTED and told, f"{each} to boot", limit_s)
            except Problem as problem:
                console = self.places.console(each)
                raise Problem(problem.what, f"{problem.why}; {last_lines(console.read_text())}", f"see {console}") from None
            say(f"{each} ({self.address(each)}) is {state}" + ("" if state == "running" else f": {self.failed_units(each)}"))

    def failed_units(self, host: str) -> str:
        told = self.run(host, "systemctl", "list-units", "--failed", "--plain", "--no-legend")
        return ", ".join(line.split()[0] for line in told.splitlines()) + " failed"
