import pytest

from tests.lab.fleet import DEFAULT_HOSTS, FEWEST, MOST, plan_hosts, plan_of


def test_six_hosts_are_two_gateways_three_workers_and_a_client():
    assert [each.name for each in plan_hosts(DEFAULT_HOSTS)] == ["gateway-1", "gateway-2", "worker-1", "worker-2", "worker-3", "client-1"]


def test_the_fewest_hosts_are_a_whole_cluster_with_a_client():
    assert [each.name for each in plan_hosts(FEWEST)] == ["gateway-1", "worker-1", "client-1"]


def test_hosts_beyond_the_default_are_workers():
    assert [each.name for each in plan_hosts(DEFAULT_HOSTS + 1) if each.kind == "worker"][-1] == "worker-4"


def test_addresses_and_cards_are_unique():
    hosts = plan_hosts(MOST)
    assert len({each.address for each in hosts}) == len({each.mac for each in hosts}) == MOST


def test_the_schedulers_are_on_the_gateway_hosts():
    assert [each.name for each in plan_hosts() if "schedulers" in each.groups] == ["gateway-1", "gateway-2"]


@pytest.mark.parametrize("plan", plan_hosts(MOST), ids=lambda each: each.name)
def test_a_name_says_all_of_its_host(plan):
    assert plan_of(plan.name) == plan
