"""Clients that do not read what they ask for: what waits for them is bounded, and others do not notice."""
from pathlib import Path

import pytest
import zmq

from tests.support.cluster import PATIENCE_S, Cluster, Dealer, echo, until

MIB = 1 << 20
CAP = 32 * MIB
# What the gateway's allocator and its sockets may take besides.
SLACK = 32 * MIB


@pytest.fixture
def cluster(tmp_path):
    config = tmp_path / "up.yml"
    config.write_text(f"gateway: {{limits: {{outgoing_bytes: {CAP}}}}}")
    with Cluster("--config", config) as running:
        yield running


class SlowReader(Dealer):
    """Its socket takes a message or two and then leaves what comes to the gateway."""

    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.socket.close()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.rcvhwm, self.socket.rcvbuf = 1, 64 * 1024
        self.socket.rcvtimeo = PATIENCE_S * 1000
        self.socket.connect(endpoint)


def resident(pid):
    line = next(each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def ended(cluster):
    """Requests for echo that have their outcome."""
    return cluster.counted("gateway-1", "coppice_gateway_requests_total", model="echo")


def ask_and_read_nothing(cluster, slow, number, data):
    """Every request has ended, at the gateway, before the next is sent."""
    for each in range(number):
        before = ended(cluster)
        slow.send(echo(each, data), data)
        until(lambda: ended(cluster) > before, "its end")


def test_what_a_client_does_not_read_is_bounded_and_another_client_is_served(cluster):
    data = bytes(MIB)
    with SlowReader(cluster.endpoint) as slow, Dealer(cluster.endpoint) as good:
        good.ask(echo(0, data), data)
        before = resident(cluster.pid("gateway-1"))

        ask_and_read_nothing(cluster, slow, 100, data)

        assert resident(cluster.pid("gateway-1")) - before < CAP + SLACK
        assert MIB < cluster.counted("gateway-1", "coppice_gateway_outgoing_bytes") <= CAP
        assert cluster.counted("gateway-1", "coppice_gateway_displaced_results_total") > 0
        for each in range(20):
            reply, frames = good.ask(echo(each, data), data)
            assert "error" not in reply and frames == [data]

        told = [slow.receive() for _ in range(100)]
        assert sorted(reply["id"] for reply, _ in told) == list(range(100)), "each has one outcome"
        assert {reply["error"]["code"] for reply, _ in told if "error" in reply} == {"overloaded"}
        assert all(frames == [data] for reply, frames in told if "error" not in reply)
        reply, frames = slow.ask(echo(100, data), data)
        assert "error" not in reply and frames == [data], "it reads again, and may ask again"


def test_a_client_that_takes_nothing_loses_its_connection_and_what_waited_is_let_go(cluster):
    data = bytes(MIB)
    with SlowReader(cluster.endpoint) as slow:
        ask_and_read_nothing(cluster, slow, 20, data)
        closed = cluster.counted("gateway-1", "coppice_gateway_connections_closed_total")
        assert cluster.counted("gateway-1", "coppice_gateway_outgoing_bytes") > 0

        until(lambda: cluster.counted("gateway-1", "coppice_gateway_connections_closed_total") > closed, "the close")
        until(lambda: cluster.counted("gateway-1", "coppice_gateway_outgoing_bytes") == 0, "the bytes to be let go")
