"""A model that opted in to hedging is answered by another engine while one stands still."""
import signal

from tests.support.cluster import Cluster, Dealer, echo, send_signal

MODEL = """
backend: builtin
builtin: echo
hedge_after_ms: 20
"""
# 50 requests earn one second attempt.
EARNING = 500
TOGETHER = 4


def ask_together(client, number):
    for each in range(number):
        client.send({**echo(each), "model": "quick"}, b"%04d" % each)
    for _ in range(number):
        reply, frames = client.receive()
        assert "error" not in reply and frames == [b"%04d" % reply["id"]]


def test_an_engine_that_stands_still_is_overtaken_by_a_second_attempt_elsewhere(tmp_path):
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "model.yml").write_text(MODEL)
    with Cluster("--nodes", 2, "--models", tmp_path) as cluster, Dealer(cluster.endpoint) as client:
        def counted(what):
            return cluster.counted("gateway-1", f"coppice_gateway_{what}_total")

        for _ in range(EARNING // TOGETHER):
            ask_together(client, TOGETHER)
        frozen = cluster.engines()[0]["pid"]
        before = counted("hedges")
        send_signal(frozen, signal.SIGSTOP)
        # Which engine a request goes to is the gateway's choice: until one met the frozen one.
        for _ in range(100):
            ask_together(client, TOGETHER)
            if counted("hedges") > before:
                break
        assert counted("hedges") > before
        assert counted("attempts") <= 1.1 * counted("requests")
