import json

import pytest

from tests.lab.problem import Problem
from tests.lab.scenario import Report, Scenario, play, write_json


class Quiet:
    """A laboratory of two hosts without any; b is a client."""

    def __init__(self, logs):
        self.machines, self.untouched, self.renewed = dict.fromkeys(("a", "b")), {"a"}, []
        self.faults, self.places = self, self
        self.logs, self.told = logs, []

    def heal_all(self):
        self.healed = True

    def reinstall(self, *hosts):
        self.renewed += hosts

    def names(self, kind):
        return ["b"] if kind == "client" else []

    def is_on(self, host):
        return True

    def succeeds(self, host, *words):
        self.told.append((host, *words))


@pytest.fixture
def lab(tmp_path):
    return Quiet(tmp_path)


def scenario(act, *hosts, fresh=False):
    return Scenario("one", "shows", act, hosts, fresh)


def two_steps(lab, report):
    with report.step("first"):
        report.figure("requests", 7)
    with report.step("second"):
        assert lab.machines == {}, "there are hosts"


def test_a_scenario_that_asserts_nothing_false_passes(lab):
    report = play(lab, scenario(lambda lab, report: None, "a"))
    assert report.passed and lab.healed


def test_a_step_that_fails_is_named_with_its_cause(lab):
    report = play(lab, scenario(two_steps))
    assert [(each.name, each.passed) for each in report.steps] == [("first", True), ("second", False)]
    assert not report.passed and "there are hosts" in report.failure


def test_a_problem_is_told_with_its_remedy(lab):
    def act(lab, report):
        raise Problem("what", "why", "do this")
    assert "do this" in play(lab, scenario(act)).failure


def test_what_a_scenario_that_failed_has_left_sending_is_ended(lab):
    play(lab, scenario(lambda lab, report: None))
    assert not lab.told
    play(lab, scenario(two_steps))
    assert lab.told == [("b", "systemctl", "kill", "--signal=KILL", "load-*")]


def test_a_scenario_without_its_hosts_is_not_run(lab):
    ran = []
    report = play(lab, scenario(lambda lab, report: ran.append(1), "a", "z"))
    assert not report.passed and "z" in report.failure and not ran


def test_a_fresh_scenario_gets_hosts_that_none_had_before(lab):
    play(lab, scenario(lambda lab, report: None, fresh=True))
    assert lab.renewed == ["b"]
    play(lab, scenario(lambda lab, report: None, fresh=True))
    assert lab.renewed == ["b", "a", "b"]


def test_logs_are_of_one_scenario_and_consoles_go_on(lab):
    for each in ("load.log", "a.console"):
        (lab.logs / each).touch()
    play(lab, scenario(lambda lab, report: None))
    assert [each.name for each in lab.logs.iterdir()] == ["a.console"]


def test_the_report_has_every_step_and_figure(lab, tmp_path):
    report = play(lab, scenario(two_steps))
    write_json(tmp_path / "report.json", [report], None)
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["skipped"] is None
    [one] = written["scenarios"]
    assert (one["name"], one["passed"], one["figures"]) == ("one", False, {"requests": 7})
    assert [each["name"] for each in one["steps"]] == ["first", "second"]


def test_what_could_not_be_shown_is_in_the_report():
    report = Report("one", "shows")
    report.cannot_show("memory", "no group")
    assert report.as_json()["not_shown"] == ["memory: no group"] and report.passed
