"""Every campaign of scripts/chaos that this build can pass, in its short form, judged by the auditor."""
import pytest

from tests.chaos.__main__ import ALL
from tests.chaos.hosts import can_make_hosts
from tests.chaos.run import Run

SEED = 1


def evidence_of(name, folder):
    campaign = ALL[name]
    return Run(campaign, campaign.short, SEED, folder).execute()


@pytest.mark.parametrize("name", ["engine-kills", "worker-kills", "scheduler-kills", "freezes", "partitions", "slow-links",
                                  "hostile-clients"])
def test_every_request_has_one_right_outcome_in_time(name, tmp_path):
    if ALL[name].over_hosts and not can_make_hosts():
        pytest.skip("no right to make a network namespace")
    evidence = evidence_of(name, tmp_path)
    assert evidence.verdict["kept"], evidence.told
    assert len(evidence.faults) == ALL[name].short.strikes
    assert all(each["whole"] for each in evidence.faults), evidence.faults
