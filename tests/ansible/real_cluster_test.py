"""The modules coppice_node and coppice_self_test against a real cluster."""
import subprocess

import pytest

from tests.ansible.collection import run_module
from tests.support.cluster import BIN, Cluster

PROGRAM = {"program": str(BIN / "coppice")}
ECHO = {"model": "echo", "inputs": ["x=[1,2,3]"], "outputs": {"x": [1, 2, 3]}}


@pytest.fixture(scope="module")
def cluster():
    if "--operator" not in subprocess.run([BIN / "coppice", "drain", "--help"], capture_output=True, text=True).stdout:
        pytest.skip("this build's coppice takes no --operator")
    with Cluster("--nodes", 2) as it:
        yield it


def order(cluster, state, **more):
    return run_module("coppice_node", name="node-2", state=state, operator=cluster.ready["operator"], **PROGRAM, **more)


def ask(cluster, request=ECHO, **more):
    return run_module("coppice_self_test", operator=cluster.ready["operator"], endpoint=cluster.endpoint, requests=[request], **PROGRAM,
                      **more)


def verdict(cluster):
    return next(node["verdict"] for node in cluster.status()["nodes"] if node["name"] == "node-2")


def test_a_node_goes_out_of_service_and_comes_back(cluster):
    assert order(cluster, "drained", check=True)["changed"] and verdict(cluster) == "up"

    assert order(cluster, "drained")["changed"] and verdict(cluster) == "draining"
    assert not order(cluster, "drained")["changed"]
    assert ask(cluster)["answered_by"]["echo"].startswith("node-1/")

    back = order(cluster, "serving")
    assert back["changed"] and back["engines"] == {"node-2/engine-0": "up"}
    assert not order(cluster, "serving")["changed"]


def test_a_node_that_serves_alone_answers_the_self_test(cluster):
    run_module("coppice_node", name="node-1", state="drained", operator=cluster.ready["operator"], **PROGRAM)

    assert ask(cluster, node="node-2", required=True)["answered_by"] == {"echo": "node-2/engine-0"}

    run_module("coppice_node", name="node-1", state="serving", operator=cluster.ready["operator"], **PROGRAM)


def test_wrong_outputs_and_unknown_models_and_nodes_are_failures_with_a_reason(cluster):
    wrong = ask(cluster, {"model": "echo", "inputs": ["x=[1]"], "outputs": {"x": [2]}})
    unknown = ask(cluster, {"model": "no-such-model", "inputs": ["x=[1]"]})
    nobody = run_module("coppice_node", name="node-9", state="drained", operator=cluster.ready["operator"], **PROGRAM)

    assert "x was answered as [1.0], not as [2]" in wrong["msg"]
    assert "no-such-model" in unknown["msg"] and "no scheduler knows it" in nobody["msg"]
