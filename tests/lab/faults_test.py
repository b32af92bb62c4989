import json

import pytest

from tests.lab.faults import Faults


class Wires:
    """A network that only remembers."""

    def __init__(self):
        self.cut = set()

    def sever(self, pairs):
        self.cut |= set(pairs)

    def mend(self, pairs):
        self.cut -= set(pairs)

    def severed(self):
        return set(self.cut)


class ThreeHosts:
    def __init__(self):
        self.network, self.machines = Wires(), dict.fromkeys(("a", "b", "c"))


@pytest.fixture
def faults():
    return Faults(ThreeHosts())


def test_a_cut_is_both_ways_to_all_others(faults):
    faults.cut("a")
    assert faults.lab.network.cut == {("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")}


@pytest.mark.parametrize("direction, pairs", [("from", {("a", "b"), ("a", "c")}), ("to", {("b", "a"), ("c", "a")})])
def test_a_cut_one_way_is_that_way(faults, direction, pairs):
    faults.cut_one_way("a", direction)
    assert faults.lab.network.cut == pairs


def test_a_cut_from_a_peer_spares_the_others(faults):
    faults.cut("a", peers=["c"])
    assert faults.lab.network.cut == {("a", "c"), ("c", "a")}


def test_healing_a_host_leaves_the_cuts_of_others(faults):
    faults.cut("a", peers=["b"])
    faults.cut("b", peers=["c"])
    faults.heal("a")
    assert faults.lab.network.cut == {("b", "c"), ("c", "b")}


def test_the_record_has_the_moments_of_what_is_over_and_of_what_lasts(faults, tmp_path):
    faults.cut("a")
    faults.heal("a")
    faults.cut_one_way("b", "to")
    faults.write(tmp_path / "faults.jsonl")
    over, lasting = map(json.loads, (tmp_path / "faults.jsonl").read_text().splitlines())
    assert (over["fault"], over["target"]) == ("cut", "a") and over["at"] <= over["lifted"]
    assert (lasting["fault"], lasting["target"], lasting["lifted"]) == ("cut to", "b", None)
