"""Every campaign of scripts/chaos that this build can pass, in its short form, judged by the auditor."""
import pytest

from tests.chaos.__main__ import ALL
from tests.chaos.run import Run

SEED = 1


def evidence_of(name, folder):
    campaign = ALL[name]
    return Run(campaign, campaign.short, SEED, folder).execute()


@pytest.mark.parametrize("name", ["engine-kills", "worker-kills", "scheduler-kills", "slow-links", "squeezes", "hostile-clients"])
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
