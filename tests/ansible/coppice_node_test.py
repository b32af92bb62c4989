"""The module coppice_node, against a program that tells of a cluster and writes down what it was asked."""
import pytest

from tests.ansible.collection import FakeCluster, run_module

DOOR = "ipc:///run/coppice/operator.sock"


def node(state="serving", engines=None, **more):
    return {"state": state, "in_flight": 0, "engines": engines or {"node-1/engine-0": "up"}, **more}


@pytest.fixture
def cluster_of(tmp_path):
    return lambda **nodes: FakeCluster(tmp_path, nodes={name.replace("_", "-"): each for name, each in nodes.items()})


def order(cluster, state, **more):
    return run_module("coppice_node", program=str(cluster.program), name="node-1", state=state, **more)


def test_a_node_that_serves_is_drained_and_that_is_a_change(cluster_of):
    cluster = cluster_of(node_1=node(in_flight=3))

    result = order(cluster, "drained", wait=7)

    assert result["changed"] and result["state"] == "drained"
    assert result["diff"] == {"before": {"state": "serving"}, "after": {"state": "drained"}}
    assert cluster.calls_of("drain") == [["drain", "node-1", "--wait", "7.0", "--operator", DOOR, "--json"]]


def test_a_node_that_is_drained_stays_so_without_a_change(cluster_of):
    cluster = cluster_of(node_1=node())
    order(cluster, "drained")

    again = order(cluster, "drained")

    assert not again["changed"] and again["state"] == "drained"


def test_a_drain_that_is_not_over_is_waited_for_and_counts_as_a_change(cluster_of):
    cluster = cluster_of(node_1=node(state="draining", in_flight=1))

    result = order(cluster, "drained")

    assert result["changed"] and result["diff"]["before"] == {"state": "draining"}


@pytest.mark.parametrize("before, running, wanted, changed", [
    ("serving", 0, "drained", True), ("draining", 1, "drained", True), ("draining", 0, "drained", False),
    ("draining", 0, "serving", True), ("serving", 1, "serving", False)])
def test_check_mode_tells_the_change_and_orders_nothing(cluster_of, before, running, wanted, changed):
    cluster = cluster_of(node_1=node(state=before, in_flight=running))

    result = order(cluster, wanted, check=True)

    assert result["changed"] == changed
    assert {each[0] for each in cluster.calls} == {"status"}


def test_a_drain_that_takes_too_long_fails_and_names_what_it_waits_for(cluster_of):
    cluster = cluster_of(node_1=node(stuck=["2 requests on node-1/engine-0"]))

    result = order(cluster, "drained", wait=0)

    assert result["failed"] and "2 requests on node-1/engine-0" in result["msg"]
    assert result["waiting_for"] == ["2 requests on node-1/engine-0"]


def test_a_node_that_nobody_knows_is_an_error(cluster_of):
    cluster = cluster_of(node_2=node())

    result = order(cluster, "drained")

    assert result["failed"] and "no scheduler knows it" in result["msg"]
    assert not cluster.calls_of("drain")


def test_a_node_that_nobody_knows_counts_as_drained_where_that_is_accepted(cluster_of):
    cluster = cluster_of(node_2=node())

    result = order(cluster, "drained", absent="accept")

    assert not result["changed"] and result["state"] == "absent"
    assert not cluster.calls_of("drain")


def test_a_node_that_is_drained_goes_back_into_service(cluster_of):
    cluster = cluster_of(node_1=node(state="draining"))

    result = order(cluster, "serving")

    assert result["changed"] and result["engines"] == {"node-1/engine-0": "up"}
    assert len(cluster.calls_of("undrain")) == 1


def test_a_worker_that_was_just_started_is_waited_for(cluster_of):
    cluster = cluster_of(node_1=node(state="draining", appears_after=2))

    result = order(cluster, "serving", wait=10)

    assert result["changed"] and result["diff"]["before"] == {"state": "drained"}


def test_engines_that_still_start_are_waited_for(cluster_of):
    cluster = cluster_of(node_1=node(engines={"node-1/engine-0": "starting"}, up_after=3))

    assert order(cluster, "serving", wait=10)["engines"] == {"node-1/engine-0": "up"}


def test_engines_that_never_come_up_fail_the_node_with_their_verdicts(cluster_of):
    cluster = cluster_of(node_1=node(engines={"node-1/engine-0": "up", "node-1/engine-1": "hung"}))

    result = order(cluster, "serving", wait=0.1)

    assert result["failed"] and "node-1/engine-1 is hung" in result["msg"]


def test_a_node_with_an_engine_that_was_given_up_stays_out_of_service(cluster_of):
    cluster = cluster_of(node_1=node(state="draining", engines={"node-1/engine-0": "quarantined"}))

    result = order(cluster, "serving")

    assert result["failed"] and "node-1/engine-0 is quarantined (killed by signal 9)" in result["msg"]
    assert not cluster.calls_of("undrain")


def test_a_door_that_is_silent_for_a_moment_is_asked_again(tmp_path):
    cluster = FakeCluster(tmp_path, nodes={"node-1": node()}, silent_for=2)

    assert order(cluster, "drained")["changed"]


def test_a_cluster_that_cannot_be_reached_is_an_error_that_names_the_door(tmp_path):
    cluster = FakeCluster(tmp_path, nodes={}, silent_for=1000)

    result = order(cluster, "drained")

    assert result["failed"] and "nobody answers" in result["msg"] and DOOR in result["msg"]
