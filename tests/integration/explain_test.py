"""`coppice explain` on a real cluster: where the time of a request went, and why."""
import json
import re
import signal

import coppice
import numpy as np
import pytest

from tests.support.cluster import Cluster, Dealer, echo, send_signal, until


@pytest.fixture(scope="module")
def cluster():
    with Cluster("--nodes", 2, "--gateways", 2, "--builtins", "echo", "sleep", "crash", "count") as running:
        yield running


@pytest.fixture
def client(cluster):
    with coppice.Client(cluster.ready["gateways"]) as made:
        yield made


def sleep(name, ms):
    return {"v": 1, "op": "infer", "id": name, "model": "sleep", "parameters": {"ms": ms}}


def explained(cluster, target):
    """The explanation, checked to be whole: its hops add up to the total, to the microsecond."""
    done = cluster.command("explain", target, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(hop["took_us"] for hop in told["hops"]) == told["total_us"], told
    return told


def hops(told, what):
    return [hop for hop in told["hops"] if hop["what"] == what]


def test_a_request_is_found_by_the_key_that_its_result_tells(cluster, client):
    result = client.infer("echo", {"x": np.ones(4, np.float32)})
    told = explained(cluster, result.key)
    assert (told["key"], told["outcome"], told["attempts"]) == (result.key, "completed", 1)
    assert told["total_us"] == result.timing.total_us
    (queue,), (compute,) = hops(told, "queue"), hops(told, "compute")
    assert queue["text"].startswith("batch of 1 row, left by ")
    assert compute["took_us"] == result.timing.compute_us
    assert re.fullmatch(r"node-\d/engine-0 \([0-9a-f]{16}\)", compute["where"])


def test_a_request_is_found_by_a_key_of_ones_own(cluster, client):
    assert client.infer("sleep", parameters={"ms": 20}, key="order-17").key == "order-17"
    told = explained(cluster, "order-17")
    (compute,) = hops(told, "compute")
    assert compute["took_us"] >= 20_000
    text = cluster.command("explain", "order-17").stdout
    assert "key order-17" in text and "completed after" in text and "1 attempt" in text and "━" in text


def test_a_stream_is_found_by_the_key_that_its_end_tells(cluster, client):
    stream = client.generate("count", [1, 2, 3], parameters={"max_tokens": 5})
    assert len(list(stream)) == 5
    told = explained(cluster, stream.result.key)
    assert (told["model"], told["outcome"]) == ("count", "completed")


@pytest.mark.parametrize("gateway", [0, 1])
def test_every_gateway_is_asked(cluster, gateway):
    with Dealer(cluster.ready["gateways"][gateway]) as plain:
        assert "error" not in plain.ask(echo(f"at-{gateway}"), b"abcd")[0]
    assert explained(cluster, f"at-{gateway}")["gateway"] == f"gateway-{gateway + 1}"


def test_predict_tells_a_key_of_what_it_sent_also_when_that_fails(cluster):
    good = cluster.command("predict", "echo", "x=[1]")
    key = re.search(r", key (\S+)", good.stdout).group(1)
    assert explained(cluster, key)["outcome"] == "completed"
    failed = cluster.command("predict", "crash", "x=[1]", "--key", "mine-too")
    assert failed.returncode == 4 and "mine-too" in failed.stderr
    assert explained(cluster, "mine-too")["outcome"] == "poison"


def test_an_open_request_is_told_as_it_is_now(cluster):
    with Dealer(cluster.endpoint) as plain:
        plain.send(sleep("open", 1500))
        until(lambda: any(engine["in_flight"] for engine in cluster.engines()), "the step")
        told = explained(cluster, "open")
        assert told["outcome"] == "open" and told["hops"][-1]["what"] == "attempt"
        plain.receive()
    assert explained(cluster, "open")["outcome"] == "completed"


def test_an_attempt_that_was_lost_is_told_with_its_engine_and_its_reason(cluster):
    with Dealer(cluster.endpoint) as plain:
        plain.send(sleep("moved", 1500))
        engine = until(lambda: next((it for it in cluster.engines() if it["in_flight"]), None), "the step")
        send_signal(engine["pid"], signal.SIGKILL)
        reply, _ = plain.receive()
    assert "error" not in reply
    told = explained(cluster, "moved")
    assert (told["outcome"], told["attempts"]) == ("completed", 2)
    (lost,), (compute,) = hops(told, "attempt"), hops(told, "compute")
    assert engine["name"] in lost["where"] and engine["incarnation"] in lost["where"]
    assert "killed by signal 9 (SIGKILL)" in lost["text"]
    assert engine["name"] not in compute["where"] and compute["took_us"] >= 1_500_000
    until(lambda: all(it["verdict"] in ("up", "probation") for it in cluster.engines()), "the restart")


def test_the_verdicts_that_hit_a_request_are_told(cluster, client):
    with pytest.raises(coppice.Poison) as refused:
        client.infer("crash", {"x": np.zeros(3, np.float32)})
    key = refused.value.key
    assert key and key in str(refused.value)
    told = explained(cluster, key)
    assert (told["outcome"], told["attempts"]) == ("poison", 2)
    first, second = hops(told, "attempt")
    assert "suspect" in first["text"] and "SIGSEGV" in first["text"] and first["where"] != second["where"]
    assert any("held as a suspect, to run alone" in hop["text"] for hop in hops(told, "wait"))


def test_an_id_that_nobody_knows_is_an_error_with_cause_and_remedy(cluster):
    done = cluster.command("explain", "no-such-request")
    assert done.returncode == 4 and done.stdout == ""
    assert "not_found" in done.stderr
    assert "too many have ended since" in done.stderr and "Give the id as the client sent it, or the key" in done.stderr


def test_a_gateway_that_does_not_answer_is_named_and_the_others_tell_what_they_know(cluster):
    with Dealer(cluster.endpoint) as plain:
        assert "error" not in plain.ask(echo("beside"), b"abcd")[0]
    send_signal(cluster.pid("gateway-2"), signal.SIGSTOP)
    try:
        known, unknown = (cluster.command("explain", each) for each in ("beside", "nowhere"))
    finally:
        send_signal(cluster.pid("gateway-2"), signal.SIGCONT)
    assert known.returncode == 0 and "gateway gateway-1" in known.stdout
    assert unknown.returncode == 3 and unknown.stdout == ""
    for done in (known, unknown):
        assert "gateway-2.sock does not answer" in done.stderr


def test_a_request_that_was_refused_is_told_with_the_reason(tmp_path):
    config = tmp_path / "up.yml"
    config.write_text(json.dumps({"builtins": ["echo", "sleep"],
                                  "gateway": {"tenants": {"default": {"open_requests": 1}}}}))
    with Cluster("--config", config) as cluster, Dealer(cluster.endpoint) as plain:
        plain.send(sleep("first", 2000))
        assert plain.ask(echo("second"), b"abcd")[0]["error"]["code"] == "quota"
        told = explained(cluster, "second")
        assert (told["outcome"], told["tenant"], told["attempts"]) == ("quota", "anonymous", 0)
        assert told["message"] and told["total_us"] == 0
        assert "quota after 0.000 ms" in cluster.command("explain", "second").stdout
