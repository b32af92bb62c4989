"""What can befall a host. Each fault is noted with its moments, as the auditor's stories want them."""
from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, Optional

from tests.chaos.client_log import now_us
from tests.lab import control_groups
from tests.lab.network import Pair
from tests.lab.problem import Problem

if TYPE_CHECKING:
    from tests.lab.lab import Lab

DIRECTIONS = ("from", "to")


class Faults:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.begun: dict[tuple[str, str], int] = {}
        self.over: list[dict] = []

    def power_off(self, host: str) -> None:
        """The host loses its power: no process ends in order, no peer is told. What it wrote to its disk stays."""
        self.note("power off", host)
        self.lab.switch_off(host)

    def power_on(self, host: str, wait: bool = True) -> None:
        """wait: until it has booted."""
        self.lab.switch_on(host)
        if wait:
            self.lab.wait_booted([host])
        self.lift("power off", host)

    def cut(self, host: str, peers: Optional[Iterable[str]] = None) -> None:
        """Both ways between the host and its peers (all, if none are named) frames vanish; the control side still sees it."""
        self.note("cut", host)
        self.lab.network.sever(self.pairs(host, DIRECTIONS, peers))

    def cut_one_way(self, host: str, direction: str, peers: Optional[Iterable[str]] = None) -> None:
        """direction: `from`, what the host sends vanishes; `to`, what is sent to it."""
        self.note(f"cut {direction}", host)
        self.lab.network.sever(self.pairs(host, (direction,), peers))

    def heal(self, host: str) -> None:
        """Every cut of the host."""
        self.lab.network.mend({pair for pair in self.lab.network.severed() if host in pair})
        for fault, target in list(self.begun):
            if target == host and fault.startswith("cut"):
                self.lift(fault, host)

    def limit_memory(self, host: str, limit: Optional[int]) -> None:
        """Bytes that all processes of the host may have together; None: as many as there are.
        @raises Problem where this machine's control groups cannot."""
        found = control_groups.limit_file([Path(each) for each in self.lab.state.control_groups], host)
        if found is None:
            raise Problem(f"cannot limit the memory of {host}", "no control group of this machine has the memory controller",
                          "boot with cgroup_enable=memory, or leave out this fault")
        file, none = found
        file.write_text(none if limit is None else str(limit))
        self.lift("memory limit", host) if limit is None else self.note("memory limit", host)

    def heal_all(self) -> None:
        """As before any fault: every cut mended, every host on, every limit lifted."""
        self.lab.network.mend(self.lab.network.severed())
        off = [each for each in self.lab.machines if not self.lab.is_on(each)]
        for each in off:
            self.lab.switch_on(each)
        self.lab.wait_booted(off)
        for each in self.lab.machines:
            if (found := control_groups.limit_file([Path(group) for group in self.lab.state.control_groups], each)):
                found[0].write_text(found[1])
        self.begun.clear()
        self.over.clear()

    def pairs(self, host: str, directions: Iterable[str], peers: Optional[Iterable[str]]) -> set[Pair]:
        others = [each for each in self.lab.machines if each != host] if peers is None else list(peers)
        ways = {"from": [(host, each) for each in others], "to": [(each, host) for each in others]}
        return {pair for direction in directions for pair in ways[direction]}

    def note(self, fault: str, host: str) -> None:
        self.begun[fault, host] = now_us()

    def lift(self, fault: str, host: str) -> None:
        at = self.begun.pop((fault, host), None)
        if at is not None:
            self.over.append({"fault": fault, "target": host, "at": at, "lifted": now_us(), "whole": None})

    def write(self, file: Path) -> None:
        """Those that are over and those that are not, one JSON map a line, as tests/chaos/nemesis.py does."""
        lasting = [{"fault": fault, "target": host, "at": at, "lifted": None, "whole": None} for (fault, host), at in self.begun.items()]
        file.write_text("".join(json.dumps(each) + "\n" for each in [*self.over, *lasting]))
