"""Every campaign of scripts/chaos that this build can pass, in its short form, judged by the auditor."""
import subprocess

import pytest

from tests.chaos.__main__ import ALL
from tests.chaos.run import Run
from tests.chaos.verdict_campaigns import INTENSITY

SEED = 1
NAMESPACES = pytest.mark.skipif(subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0,
                                reason="no right to make network namespaces")


def evidence_of(name, folder):
    campaign = ALL[name]
    return Run(campaign, campaign.short, SEED, folder).execute()


@pytest.mark.parametrize("name", ["engine-kills", "busy-engine-kills", "worker-kills", "scheduler-kills", "gateway-kills", "freezes",
                                  "front-freezes", "hangs", "slow-links", "squeezes", "hostile-clients",
                                  pytest.param("partitions", marks=NAMESPACES)])
def test_every_request_has_one_right_outcome_in_time(name, tmp_path):
    evidence = evidence_of(name, tmp_path)
    assert evidence.verdict["kept"], evidence.told
    assert evidence.cluster_log.last_words == []
    assert len(evidence.faults) == ALL[name].short.strikes
    assert all(each["whole"] for each in evidence.faults), evidence.faults


@pytest.mark.parametrize("name", ["overload", "third-of-fleet"])
def test_what_is_too_much_is_refused_and_the_rest_is_answered(name, tmp_path):
    evidence = evidence_of(name, tmp_path)
    assert evidence.verdict["kept"], evidence.told
    assert evidence.verdict["codes"]["ok"] > 0 and evidence.verdict["codes"]["overloaded"] > 0


def test_retries_do_not_double_the_load_of_a_fleet_that_fails(tmp_path):
    evidence = evidence_of("fleet-failing", tmp_path)
    assert evidence.verdict["kept"], evidence.told
    assert evidence.measured["kills"] > 0
    assert next(each for each in evidence.figures if each.bar == 1.1).verdict == "met", evidence.figures


@pytest.mark.parametrize("name", ["false-alarms", "soak"])
def test_hours_of_load_begin_like_this(name, tmp_path):
    evidence = evidence_of(name, tmp_path)
    assert evidence.verdict["kept"], evidence.told
    assert evidence.cluster_log.last_words == []


def test_restarts_that_do_not_help_are_given_up_and_a_fresh_process_takes_over(tmp_path):
    evidence = evidence_of("escalation", tmp_path)
    assert evidence.verdict["kept"], evidence.told
    kills = {name: value for name, value in evidence.measured.items() if "kills until" in name}
    assert len(kills) == 2 and set(kills.values()) == {INTENSITY + 1}, evidence.measured


def test_a_tenant_is_served_beside_one_that_sends_a_hundred_times_as_much(tmp_path):
    evidence = evidence_of("noisy-tenant", tmp_path)
    assert evidence.verdict["kept"], evidence.told
    of_victim = [row[2] for row in evidence.requests.rows if row[4] == "victim-1"]
    assert set(of_victim) == {"ok"}
    assert evidence.verdict["codes"]["quota"] > len(of_victim)


@pytest.mark.parametrize("name", ["rolling-restart", "reconnect-herd"])
def test_a_restart_of_any_process_fails_no_request(name, tmp_path):
    evidence = evidence_of(name, tmp_path)
    assert evidence.verdict["kept"], evidence.told
    assert evidence.cluster_log.last_words == []
    assert set(evidence.verdict["codes"]) == {"ok"}


def test_a_poisonous_request_ends_two_engines_and_harms_no_innocent(tmp_path):
    evidence = evidence_of("poison", tmp_path)
    assert evidence.verdict["kept"], evidence.told
    assert set(evidence.verdict["codes"]) == {"ok", "poison"}
    killed = next(each.value for each in evidence.figures if each.name == "engines killed by it")
    assert 1 <= killed <= 2
