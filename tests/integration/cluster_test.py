"""What a cluster does as a whole, with real processes and real kills."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zmq

from tests.support.cluster import BIN, Cluster, Dealer, echo, is_alive, send_signal, until

ROOT = Path(__file__).parents[2]


def send_under_load(client, total, disturb):
    """Keeps 64 echoes in flight, disturbs the cluster a third of the way, checks every answer."""
    sent = answered = 0
    while answered < total:
        while sent < total and sent - answered < 64:
            client.send(echo(sent, b"%08d" % sent), b"%08d" % sent)
            sent += 1
        reply, frames = client.receive()
        assert "error" not in reply, reply
        assert frames == [b"%08d" % reply["id"]]
        answered += 1
        if answered == total // 3:
            disturb()


def test_answers_req_and_dealer_clients():
    with Cluster() as cluster:
        for kind in (zmq.REQ, zmq.DEALER):
            with Dealer(cluster.endpoint, kind) as client:
                reply, frames = client.ask(echo(7), b"abcd")
                assert reply["id"] == 7 and frames == [b"abcd"]


def test_a_killed_engine_loses_no_request_and_comes_back():
    with Cluster("--nodes", 2) as cluster, Dealer(cluster.endpoint) as client:
        victim = cluster.engines()[0]
        send_under_load(client, 60_000, lambda: send_signal(victim["pid"], signal.SIGKILL))
        engine = until(lambda: next((e for e in cluster.engines() if e["name"] == victim["name"]
                                     and e["restarts"] == 1 and e["verdict"] == "up"), None),
                       "the engine's restart")
        assert engine["incarnation"] != victim["incarnation"]
        assert engine["last_reason"] == "was killed by signal 9 (SIGKILL)"


def test_a_killed_worker_takes_its_engine_with_it_and_loses_no_request():
    with Cluster("--nodes", 2) as cluster, Dealer(cluster.endpoint) as client:
        engine = next(e for e in cluster.engines() if e["name"].startswith("node-2"))
        send_under_load(client, 60_000,
                        lambda: send_signal(cluster.pid("node-2"), signal.SIGKILL))
        until(lambda: not is_alive(engine["pid"]), "the engine's end")
        until(lambda: len([e for e in cluster.engines() if e["verdict"] == "up"]) == 2,
              "the worker's restart")


def test_an_engine_that_crashes_is_named_with_its_signal():
    with Cluster("--builtins", "echo,crash") as cluster, Dealer(cluster.endpoint) as client:
        client.send({"v": 1, "op": "infer", "id": 1, "model": "crash", "at_most_once": True})
        assert client.receive()[0]["error"]["code"] == "unknown_outcome"
        until(lambda: any("SIGSEGV" in e["last_reason"] for e in cluster.engines()), "the reason")


def test_deadlines_are_kept_while_waiting():
    with Cluster("--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        import msgpack
        for number in range(4):
            client.send({"v": 1, "op": "infer", "id": number, "model": "sleep", "timeout_ms": 300,
                         "parameters": {"ms": 10_000}})
        assert [client.receive()[0]["error"]["code"] for _ in range(4)] == ["deadline"] * 4


def test_a_cancelled_request_is_answered_once_as_cancelled():
    with Cluster("--builtins", "sleep") as cluster, Dealer(cluster.endpoint) as client:
        for number in range(5):
            client.send({"v": 1, "op": "infer", "id": number, "model": "sleep",
                         "parameters": {"ms": 500}})
        client.send({"v": 1, "op": "cancel", "id": 4})
        replies = [client.receive()[0] for _ in range(5)]
        by_id = {reply["id"]: reply for reply in replies}
        assert by_id[4]["error"]["code"] == "cancelled"
        assert all("error" not in by_id[number] for number in range(4))


def test_the_operator_door_is_for_its_owner_alone():
    with Cluster() as cluster:
        path = cluster.ready["operator"].removeprefix("ipc://")
        assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_cluster_of_separate_schedulers_serves():
    with Cluster("--schedulers", 2, "--gateways", 2) as cluster:
        for endpoint in cluster.ready["gateways"]:
            with Dealer(endpoint) as client:
                assert client.ask(echo(1), b"abcd")[1] == [b"abcd"]


def test_no_process_outlives_a_killed_up():
    cluster = Cluster().__enter__()
    pids = cluster.pids()
    cluster.up.kill()
    cluster.up.wait()
    until(lambda: not any(map(is_alive, pids)), "every process to end")


def test_a_gateway_that_dies_comes_back_on_its_port():
    with Cluster() as cluster:
        endpoint, pid = cluster.endpoint, cluster.pid("gateway-1")
        send_signal(pid, signal.SIGKILL)
        until(lambda: cluster.pid("gateway-1") != pid, "the gateway's restart")
        assert cluster.endpoint == endpoint
        until(lambda: cluster.command("predict", "echo", "x=[1]").returncode == 0, "an answer")


def test_verbs_say_what_is_wrong_and_exit_with_their_code():
    with Cluster() as cluster:
        missing = cluster.command("predict", "nope", "x=[1]")
        assert missing.returncode == 4 and "not_found" in missing.stderr
        assert cluster.command("predict", "echo", "x=[1,2]", "--json").returncode == 0
        assert "echo:1" in cluster.command("models").stdout
        assert cluster.command("bench", "echo", "--duration", "0.2", "--json").returncode == 0
    odd = subprocess.run([BIN / "coppice", "predict", "echo", "x=[1]", "--endpoint", "nonsense"],
                         capture_output=True, text=True)
    assert odd.returncode == 2 and "An endpoint is tcp://host:port" in odd.stderr
    alone = subprocess.run([BIN / "coppice", "models"], capture_output=True, text=True)
    assert alone.returncode == 2 and "--endpoint" in alone.stderr


@pytest.mark.skipif(not (ROOT / "models/digits/2/model.pt2").exists(), reason="digits is not made")
def test_torchscript_and_aotinductor_give_the_same_right_answers():
    sys.path.insert(0, str(ROOT / "scripts/models"))
    import digits
    import numpy as np
    images, labels = digits.held_out()
    with Cluster("--models", ROOT / "models", "--serve", "digits") as cluster, \
            Dealer(cluster.endpoint) as client:
        logits = {}
        for version in (1, 2):
            for row in range(0, 448, 16):
                batch = np.ascontiguousarray(images[row:row + 16])
                reply, frames = client.ask(
                    {"v": 1, "op": "infer", "id": row, "model": "digits", "version": version,
                     "inputs": [{"name": "image", "datatype": "FP32", "shape": [16, 1, 8, 8],
                                 "frame": 0}]}, batch.tobytes())
                assert "error" not in reply, reply
                logits[version, row] = np.frombuffer(frames[0], np.float32).reshape(16, 10)
        for row in range(0, 448, 16):
            np.testing.assert_allclose(logits[1, row], logits[2, row], atol=1e-4)
        right = sum((logits[1, row].argmax(1) == labels[row:row + 16]).sum()
                    for row in range(0, 448, 16))
        assert right / 448 > 0.97
