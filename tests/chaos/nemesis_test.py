"""Schedules come from their seed alone, and the nemesis keeps to them and to its record."""
import itertools
import json
from dataclasses import dataclass

from tests.chaos.nemesis import Nemesis, Part, Strike, chosen, schedule


@dataclass(frozen=True)
class Recorded:
    """A fault that only says that it was called."""

    name: str
    calls: list

    def targets(self, cluster):
        return cluster.names

    def aim(self, cluster, target):
        def strike():
            self.calls.append(("strike", target))
            return lambda: self.calls.append(("lift", target))
        return strike


class FakeCluster:
    def __init__(self, names, whole_after=0):
        self.names, self.asked, self.whole_after = names, 0, whole_after

    def is_whole(self):
        self.asked += 1
        return self.asked > self.whole_after


def first(count, seed, parts):
    return list(itertools.islice(schedule(seed, parts, (0.1, 0.2)), count))


def test_the_same_seed_gives_the_same_strikes_and_another_seed_others():
    parts = [Part("a", 1, (1.0, 2.0)), Part("b", 1, (0.0, 0.5))]
    assert first(50, 1, parts) == first(50, 1, parts) != first(50, 2, parts)


def test_every_round_has_the_exact_share_of_each_part():
    strikes = first(400, 3, [Part("a", 3), Part("b", 1)])
    assert all([each.fault for each in strikes[k:k + 4]].count("a") == 3 for k in range(0, 400, 4))
    assert {[each.fault for each in strikes[k:k + 4]].index("b") for k in range(0, 400, 4)} == {0, 1, 2, 3}


def test_strikes_keep_their_bounds():
    strikes = first(400, 3, [Part("a", 1, (1.0, 2.0)), Part("b", 1, (0.0, 0.5))])
    assert all(0.1 <= each.pause_s <= 0.2 and 0 <= each.draw < 1 for each in strikes)
    assert all(1.0 <= each.lasting_s <= 2.0 if each.fault == "a" else each.lasting_s <= 0.5 for each in strikes)


def test_a_draw_chooses_every_target_and_none_of_none():
    assert [chosen("abc", draw) for draw in (0.0, 0.33, 0.34, 0.67, 0.999)] == ["a", "a", "b", "c", "c"]
    assert chosen([], 0.5) is None


def test_lifts_each_fault_before_the_next_and_notes_when_the_cluster_was_whole(tmp_path):
    calls = []
    nemesis = Nemesis(FakeCluster(["x"], whole_after=2), tmp_path / "record")
    nemesis.run(iter([Strike(0, Recorded("kill", calls), 0.0, 0), Strike(0, Recorded("freeze", calls), 0.9, 0)]))
    assert calls == [("strike", "x"), ("lift", "x")] * 2
    notes = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    assert [each["fault"] for each in notes] == ["kill", "freeze"]
    assert all(each["at"] <= each["lifted"] <= each["whole"] for each in notes)


def test_ends_after_its_count(tmp_path):
    nemesis = Nemesis(FakeCluster(["x"]), tmp_path / "record")
    nemesis.run(itertools.repeat(Strike(0, Recorded("kill", []), 0.0, 0)), count=3)
    assert nemesis.struck == 3


def test_ends_when_its_time_is_over(tmp_path):
    nemesis = Nemesis(FakeCluster(["x"]), tmp_path / "record")
    nemesis.run(iter([Strike(60, Recorded("kill", []), 0.0, 0)]), seconds=0)
    assert nemesis.struck == 0
