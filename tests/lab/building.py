"""Makes a laboratory, each thing noted in its state before it exists."""
from __future__ import annotations

from pathlib import Path
from typing import Optional

from tests.lab import control_groups, ssh
from tests.lab.base_image import ensure_base
from tests.lab.fleet import HostPlan
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab
from tests.lab.packages import host_packages
from tests.lab.places import Places
from tests.lab.problem import Problem
from tests.lab.processes import Started
from tests.lab.progress import say
from tests.lab.state import State, load_state
from tests.lab.teardown import take_down
from tests.lab.tools import install_tools, obstacle


def bring_up(places: Places, plans: list[HostPlan], binaries: Path) -> Lab:
    """Returns when every host has booted. One that is up is taken as it is, one that was left half made is made anew.
    binaries: the project's, which hosts must be able to run."""
    there = existing(places)
    if there is not None and there.state.hosts == [each.name for each in plans]:
        say("it is up; switching on what is off")
        there.faults.heal_all()
        return there
    if there is not None:
        raise Problem(f"cannot make {len(plans)} hosts", f"a laboratory of {len(there.state.hosts)} is up", "scripts/lab down")
    why_not = obstacle(places.cache)
    if why_not:
        raise Problem("cannot make a laboratory on this machine", why_not, "see docs/lab.md for what it needs")
    install_tools()
    take_down(places)
    return build(places, plans, binaries)


def existing(places: Places) -> Optional[Lab]:
    """The laboratory that is up; None if there is none, or one whose making was cut off."""
    try:
        state = load_state(places.state)
    except Problem:
        return None
    return Lab(places, state) if state is not None and state.complete else None


def build(places: Places, plans: list[HostPlan], binaries: Path) -> Lab:
    state = State(hosts=[each.name for each in plans])

    def note_builder(base: Path, builder: Optional[Started]) -> None:
        state.base, state.builder = str(base), builder
        state.save(places.state)

    state.control_groups = [str(each) for each in control_groups.planned(places.prefix)]
    state.save(places.state)
    base = ensure_base(places.cache, host_packages(binaries), note_builder)
    lab = Lab(places, state)
    lab.network.create()
    control_groups.create(places.prefix)
    ssh.create_keys(places)
    for each in lab.machines.values():
        each.make_disk(base, plans)
    ssh.write_config(places, plans)
    write_inventory(places, plans)
    say(f"booting {', '.join(lab.machines)}")
    for each in lab.machines:
        lab.switch_on(each)
    lab.wait_booted(lab.machines)
    lab.untouched.update(lab.machines)
    state.complete = True
    lab.save()
    return lab
