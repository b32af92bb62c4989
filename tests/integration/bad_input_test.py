"""Bad input gets a clear error, and good clients beside it go on undisturbed."""
import re
import socket
import struct
import urllib.request

import msgpack
import pytest
import zmq

from tests.support import zmtp
from tests.support.cluster import Cluster, Dealer, echo, until


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as running:
        yield running


@pytest.fixture
def client(cluster):
    with Dealer(cluster.endpoint) as dealer:
        yield dealer


@pytest.fixture(autouse=True)
def good_client_goes_on(cluster):
    with Dealer(cluster.endpoint) as good:
        good.ask(echo(1), b"abcd")
        yield
        assert good.ask(echo(2), b"abcd")[1] == [b"abcd"]


def tensor(**changes):
    return {"name": "x", "datatype": "UINT8", "shape": [4], "frame": 0, **changes}


def request(**changes):
    return {**echo(1), **changes}


NESTED = b"\x91" * 40 + b"\x01"

BAD = {
    "wrong version": (request(v=2), [b"abcd"], "'v' is 2"),
    "unknown op": (request(op="sing"), [b"abcd"], "'op' is 'sing'"),
    "missing model": (request(model=""), [b"abcd"], "'model' is missing"),
    "op of another type": (request(op=7), [b"abcd"], "'op' must be a string"),
    "timeout NaN": (request(timeout_ms=float("nan")), [b"abcd"], "'timeout_ms' must be an integer"),
    "timeout negative": (request(timeout_ms=-1), [b"abcd"], "'timeout_ms' must not be negative"),
    "unknown class": (request(**{"class": "royal"}), [b"abcd"], "'class' must be"),
    "overflowing shape": (request(inputs=[tensor(shape=[2**31, 2**31, 2**31])]), [b"abcd"], "elements"),
    "negative dimension": (request(inputs=[tensor(shape=[-4])]), [b"abcd"], "negative dimension"),
    "rank too high": (request(inputs=[tensor(shape=[1] * 9)]), [b"abcd"], "rank 9"),
    "unknown datatype": (request(inputs=[tensor(datatype="FP8")]), [b"abcd"], "unknown datatype"),
    "missing frame": (request(), [], "names frame 0; there are 0"),
    "surplus frame": (request(), [b"abcd", b"more"], "every frame must be named"),
    "too many frames": (request(), [b""] * 65, "65 frames"),
    "short frame": (request(), [b"abc"], "has 3 bytes"),
    "long frame": (request(), [b"abcde"], "has 5 bytes"),
    "no data at all": (request(inputs=[{"name": "x", "datatype": "UINT8", "shape": [4]}]), [],
                       "neither 'frame' nor 'data'"),
    "wrong element in data": (request(inputs=[{"name": "x", "datatype": "UINT8", "shape": [1],
                                               "data": ["a"]}]), [], "must be an integer"),
    "number out of range": (request(inputs=[{"name": "x", "datatype": "INT8", "shape": [1],
                                             "data": [300]}]), [], "out of the datatype's range"),
    "wrong count in data": (request(inputs=[{"name": "x", "datatype": "INT8", "shape": [2],
                                             "data": [1]}]), [], "its shape says 2"),
    "not a map": (b"\x93\x01\x02\x03", [], "must be a map"),
    "garbage": (b"\xc1\xff\x00garbage", [], "header"),
    "deep nesting": (b"\x81\xa4data" + NESTED, [], "nested"),
    "header too large": (b"\x81\xa2id\xc6" + struct.pack(">I", 70_000) + b"x" * 70_000, [], "65536"),
}


@pytest.mark.parametrize("case", BAD, ids=lambda name: name.replace(" ", "_"))
def test_bad_request_is_invalid_with_a_clear_sentence(client, case):
    header, frames, words = BAD[case]
    reply, _ = client.ask(header, *frames)
    assert reply["error"]["code"] == "invalid", reply
    assert words in reply["error"]["message"], reply["error"]["message"]


def test_unknown_model_and_version_are_not_found(client):
    def code(changes):
        return client.ask(request(**changes), b"abcd")[0]["error"]["code"]

    for changes in ({"model": "nope"}, {"version": 9}):
        until(lambda: code(changes) != "unavailable", "the gateway to know every worker")
        assert code(changes) == "not_found"


def test_small_tensors_may_stand_in_the_header(client):
    reply, frames = client.ask(request(inputs=[
        {"name": "x", "datatype": "FP32", "shape": [2, 2], "data": [[1, 2], [3, 4.5]]}]))
    assert struct.unpack("<4f", frames[0]) == (1, 2, 3, 4.5)
    assert reply["outputs"][0]["shape"] == [2, 2]


def test_a_frame_of_64_mib_is_echoed(client):
    data = bytes(64 * 1024 * 1024)
    reply, frames = client.ask(echo(1, data), data)
    assert "error" not in reply and len(frames[0]) == len(data)


def test_an_empty_multipart_is_answered(client):
    client.socket.send_multipart([b"", b""])
    assert client.receive()[0]["error"]["code"] == "invalid"


def metric(cluster, name):
    page = urllib.request.urlopen(cluster.ready["metrics"]["gateway-1"]).read().decode()
    return float(re.search(rf"^{name} (\S+)$", page, re.M)[1])


def test_garbage_on_the_wire_closes_only_its_own_connection_and_is_counted(cluster):
    host, port = cluster.endpoint.removeprefix("tcp://").split(":")
    closed = metric(cluster, "coppice_gateway_connections_closed_total")
    for attempt in range(50):
        with socket.create_connection((host, int(port)), timeout=5) as wire:
            wire.sendall(bytes([attempt]) * 1000)
    until(lambda: metric(cluster, "coppice_gateway_connections_closed_total") >= closed + 50, "50 closed connections")


def test_a_frame_over_the_limit_closes_its_connection(cluster):
    closed = metric(cluster, "coppice_gateway_connections_closed_total")
    with zmtp.connect(cluster.endpoint) as wire:
        wire.sendall(b"\x02" + struct.pack(">Q", 2**40))
        wire.settimeout(30)
        until(lambda: wire.recv(4096) == b"", "the gateway to hang up")
    until(lambda: metric(cluster, "coppice_gateway_connections_closed_total") > closed, "its count")


def test_a_handshake_that_fails_is_counted(cluster):
    failed = metric(cluster, "coppice_gateway_handshakes_failed_total")
    host, port = cluster.endpoint.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        wire.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NO-SUCH-MECHANISM" + bytes(35))
    until(lambda: metric(cluster, "coppice_gateway_handshakes_failed_total") > failed, "its count")


def test_a_client_that_disconnects_mid_request_harms_nobody(cluster):
    for _ in range(50):
        with Dealer(cluster.endpoint) as gone:
            gone.send(echo(1), b"abcd")


def test_a_client_that_never_reads_harms_nobody(cluster):
    with Dealer(cluster.endpoint) as greedy:
        data = bytes(100_000)
        for number in range(500):
            greedy.send(echo(number, data), data)
        with Dealer(cluster.endpoint) as good:
            for number in range(100):
                assert good.ask(echo(number), b"abcd")[1] == [b"abcd"]


def test_a_thousand_connects_and_disconnects(cluster):
    for _ in range(1000):
        host, port = cluster.endpoint.removeprefix("tcp://").split(":")
        socket.create_connection((host, int(port)), timeout=5).close()


def test_three_thousand_handshakes_and_disconnects(cluster, client):
    for number in range(3000):
        zmtp.connect(cluster.endpoint).close()
        if number % 100 == 0:
            assert client.ask(echo(number), b"abcd")[1] == [b"abcd"]


def test_ten_thousand_idle_connections_do_not_disturb_a_good_client(cluster, client):
    wires = []
    try:
        for number in range(10_000):
            wires.append(zmtp.connect(cluster.endpoint))
            if number % 1000 == 0:
                assert client.ask(echo(number), b"abcd")[1] == [b"abcd"]
        for number in range(100):
            assert client.ask(echo(number), b"abcd")[1] == [b"abcd"]
    finally:
        for wire in wires:
            wire.close()


def test_a_second_request_from_one_req_socket_gets_its_own_answer(cluster):
    with Dealer(cluster.endpoint, zmq.REQ) as client:
        client.socket.setsockopt(zmq.REQ_RELAXED, 1)
        client.socket.setsockopt(zmq.REQ_CORRELATE, 1)
        for number in range(20):
            client.send(echo(2 * number, b"lost"), b"lost")
            client.send(echo(2 * number + 1, b"kept"), b"kept")
            reply, frames = client.receive()
            assert reply["id"] == 2 * number + 1 and frames == [b"kept"]
