"""Takes a laboratory away: what its state names, and what else bears its name. Safe to run twice, and after anything."""
from __future__ import annotations

from pathlib import Path

from tests.lab import base_image, control_groups
from tests.lab.mounts import remove_tree, unmount_below
from tests.lab.network import remove_namespaces
from tests.lab.places import Places
from tests.lab.problem import Problem
from tests.lab.processes import kill_session
from tests.lab.progress import say
from tests.lab.state import State, load_state

# nspawn makes one for each machine, and leaves it.
FOLDERS_OF_NSPAWN = Path("/run/systemd/nspawn/propagate")


def known_state(places: Places) -> State:
    """An unreadable one is no reason to leave things behind."""
    try:
        return load_state(places.state) or State()
    except Problem as problem:
        say(f"{problem.what}: {problem.why}; going by names alone")
        return State()


def take_down(places: Places) -> None:
    state = known_state(places)
    end_builder(state)
    for each in state.running.values():
        kill_session(each)
    # The hosts' own processes are in their namespaces, as is whatever still runs on the control side.
    remove_namespaces(places)
    unmount_below(places.folder)
    for each in groups(places, state):
        control_groups.remove(each)
    for each in FOLDERS_OF_NSPAWN.glob(f"{places.prefix}-*"):
        each.rmdir()
    places.inventory.unlink(missing_ok=True)
    remove_tree(places.folder)


def end_builder(state: State) -> None:
    """One that was cut off leaves half an image with mounts in it."""
    if state.builder is None:
        return
    kill_session(state.builder)
    if state.base is not None:
        base_image.clear_if_left(Path(state.base))


def groups(places: Places, state: State) -> list[Path]:
    found = {*map(Path, state.control_groups), *control_groups.planned(places.prefix)}
    return sorted(each for each in found if each.exists())
