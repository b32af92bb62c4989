"""The module coppice_desired_state, against a program that tells of a cluster and writes down what it was asked."""
import pytest

from tests.ansible.collection import FakeCluster, run_module

OLD, NEW = {"models": "/srv/1"}, {"models": "/srv/2"}


def node(**more):
    return {"state": "serving", "in_flight": 0, "engines": {"engine-0": "up"}, **more}


@pytest.fixture
def cluster(tmp_path):
    return FakeCluster(tmp_path, nodes={"node-1": node(revision=4, wanted=OLD), "node-2": node(revision=4, wanted=OLD)})


def desire(cluster, wanted, **more):
    nodes = {each: wanted for each in ("node-1", "node-2")}
    return run_module("coppice_desired_state", program=str(cluster.program), nodes=nodes, **more)


def test_what_nodes_have_changes_nothing_and_takes_no_revision(cluster):
    result = desire(cluster, OLD)

    assert not result["changed"] and result["revision"] == 4 and not cluster.calls_of("apply")


def test_what_nodes_do_not_have_is_the_next_revision(cluster):
    result = desire(cluster, NEW, wait=9)

    assert result["changed"] and result["revision"] == 5 and result["nodes"] == {"node-1": "converged", "node-2": "converged"}
    assert cluster.calls_of("apply")[0][2:4] == ["--timeout", "9.0"]
    assert not desire(cluster, NEW)["changed"]


def test_a_node_that_lacks_the_revision_of_the_others_gets_that_one(tmp_path):
    cluster = FakeCluster(tmp_path, nodes={"node-1": node(revision=4, wanted=OLD), "node-2": node()})

    result = desire(cluster, OLD)

    assert result["changed"] and result["revision"] == 4


def test_check_mode_tells_the_change_and_makes_none(cluster):
    result = desire(cluster, NEW, check=True)

    assert result["changed"] and result["diff"]["after"] == {"nodes": ["/srv/2", "/srv/2"]} and not cluster.calls_of("apply")


def test_a_node_that_fails_brings_all_back_to_what_they_had(tmp_path):
    cluster = FakeCluster(tmp_path, nodes={"node-1": node(revision=4, wanted=OLD), "node-2": node(revision=4, wanted=OLD)}, fails=["node-2"])

    result = desire(cluster, NEW, before={"node-1": OLD, "node-2": OLD})

    assert result["failed"] and "node-2: a self-test fails. Nodes are back at what they had." in result["msg"]
    assert not desire(cluster, OLD)["changed"]


def test_without_anything_to_go_back_to_nodes_stay(tmp_path):
    cluster = FakeCluster(tmp_path, nodes={"node-1": node(), "node-2": node()}, fails=["node-1"])

    result = desire(cluster, NEW)

    assert result["failed"] and "Nodes stay as they are." in result["msg"]
