"""`coppice drain` and `undrain` on a real cluster."""
import json

from tests.support.cluster import Cluster, Dealer


def test_an_unknown_target_is_refused_with_the_ones_there_are():
    with Cluster("--nodes", 2) as cluster:
        done = cluster.command("drain", "node-9")
        assert done.returncode == 4
        assert "not_found" in done.stderr and "node-1/engine-0" in done.stderr


def test_a_drain_that_takes_too_long_says_what_it_waits_for():
    with Cluster("--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        client.send({"v": 1, "op": "infer", "id": 1, "model": "sleep", "parameters": {"ms": 8000}})
        done = cluster.command("drain", "node-1", "--wait", "0.5")
        assert done.returncode == 1
        assert "waits for" in done.stdout


def test_a_node_that_is_not_drained_serves_already():
    with Cluster() as cluster:
        done = cluster.command("undrain", "node-1/engine-0", "--json")
        assert done.returncode == 0
        assert json.loads(done.stdout) == {"target": "node-1/engine-0", "state": "serving",
                                           "waiting_for": []}


def test_a_verb_for_operators_needs_their_door():
    with Cluster() as cluster:
        import subprocess
        from tests.support.cluster import BIN
        done = subprocess.run([BIN / "coppice", "drain", "node-1", "--endpoint", cluster.endpoint],
                              capture_output=True, text=True)
        assert done.returncode == 2 and "--cluster" in done.stderr
