"""`coppice drain` and `undrain` on a real cluster."""
import json

from tests.support.cluster import Cluster, Dealer, until


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


def test_a_node_that_serves_again_gets_work_although_the_other_has_room():
    with Cluster("--nodes", 2, "--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        def ask(number):
            client.send({"v": 1, "op": "infer", "id": number, "model": "sleep", "parameters": {"ms": 5}})

        def done_by_second():
            header, _ = client.receive()  # four are always in flight
            assert header.get("error") is None
            assert header["id"] < 300, "it is not used although much was asked"
            ask(header["id"] + 4)
            return cluster.counted("node-2", "coppice_engine_completed_total", engine="node-2/engine-0", model="sleep")

        assert cluster.command("drain", "node-2").returncode == 0
        for number in range(4):
            ask(number)
        before = done_by_second()
        assert cluster.command("undrain", "node-2").returncode == 0
        until(lambda: done_by_second() > before, "work for the second node")
