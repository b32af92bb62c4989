"""The clients over real sockets, against gateways that do as a test says."""
import asyncio
import threading

import msgpack
import numpy as np
import pytest
import zmq

import coppice

TOTAL = 500


class FakeGateway:
    """A ROUTER that answers each message with what `answer(header)` yields. After `vanish` it is gone."""

    def __init__(self, answer):
        self._answer = answer
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger, self._socket.sndhwm = 0, 0
        self.endpoint = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self._gone = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def vanish(self):
        self._gone = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.vanish()
        self._thread.join()

    def _run(self):
        while not self._gone:
            if not self._socket.poll(5):
                continue
            client, empty, head, *_ = self._socket.recv_multipart()
            header = msgpack.unpackb(head)
            for reply in self._answer(header):
                if self._gone:
                    break
                self._socket.send_multipart([client, empty, msgpack.packb({"id": header.get("id"), **reply})])
        self._context.destroy(linger=0)


def a_chunk(seq, count):
    raw = np.arange(seq, seq + count, dtype="<i4").tobytes()
    return {"seq": seq, "outputs": [{"name": "tokens", "datatype": "INT32", "shape": [count], "data": raw}]}


class Counting:
    """Serves `generate`: the numbers from 0, as far as the window allows, from where it is asked."""

    def __init__(self, vanish_at=None):
        self.vanish_at = vanish_at
        self.most_unacknowledged = 0
        self.gateway = None

    def __call__(self, header):
        op = header["op"]
        if op == "ping":
            yield {"gateway": "g", "incarnation": id(self) % 2**63}
        elif op == "generate":
            assert len(header.get("emitted", b"")) == 4 * header.get("seq", 0)
            self.acked = self.sent = header.get("seq", 0)
            self.window = header["window"]
            yield from self.more()
        elif op == "ack":
            self.acked = header["seq"]
            yield from self.more()

    def more(self):
        while self.sent < min(TOTAL, self.acked + self.window):
            count = min(7, TOTAL - self.sent, self.acked + self.window - self.sent)
            yield a_chunk(self.sent, count)
            self.sent += count
            self.most_unacknowledged = max(self.most_unacknowledged, self.sent - self.acked)
            if self.vanish_at is not None and self.sent >= self.vanish_at:
                self.gateway.vanish()
                return
        if self.sent == TOTAL:
            yield {"seq": TOTAL, "final": True, "model": "count"}


def test_a_stream_is_read_to_its_end_and_never_beyond_its_window():
    counting = Counting()
    with FakeGateway(counting) as gateway, coppice.Client(gateway.endpoint) as client:
        stream = client.generate("count", [1, 2], window=32)
        assert list(stream) == list(range(TOTAL))
        assert stream.result.tokens == TOTAL and stream.result.model == "count"
    assert counting.most_unacknowledged <= 32


def test_a_stream_goes_on_at_another_gateway_without_gap_or_repeat():
    servings = [Counting(vanish_at=100), Counting(vanish_at=100)]
    with FakeGateway(servings[0]) as first, FakeGateway(servings[1]) as second:
        servings[0].gateway, servings[1].gateway = first, second

        def other_stays(header, own, other):
            other.vanish_at = None if header["op"] == "generate" else other.vanish_at
            return own(header)

        first._answer = lambda header: other_stays(header, servings[0], servings[1])
        second._answer = lambda header: other_stays(header, servings[1], servings[0])
        with coppice.Client([first.endpoint, second.endpoint]) as client:
            assert list(client.generate("count", [1], window=64)) == list(range(TOTAL))
        assert first._gone != second._gone


def test_async_for_reads_a_stream():
    async def main(endpoint):
        async with coppice.AsyncClient(endpoint) as client:
            stream = client.generate("count", text="count", window=16)
            return [token async for token in stream], stream.result

    with FakeGateway(Counting()) as gateway:
        tokens, result = asyncio.run(main(gateway.endpoint))
    assert tokens == list(range(TOTAL)) and result.tokens == TOTAL


def test_a_cancelled_stream_ends_its_reader():
    with FakeGateway(Counting()) as gateway, coppice.Client(gateway.endpoint) as client:
        with client.generate("count", [1], window=8) as stream:
            assert next(stream) == 0
        with pytest.raises(coppice.Cancelled):
            list(stream)


def test_an_error_of_a_stream_comes_to_its_reader():
    def refuse(header):
        yield {"error": {"code": "not_found", "message": "No such model."}} if header["op"] == "generate" else {}

    with FakeGateway(refuse) as gateway, coppice.Client(gateway.endpoint) as client:
        with pytest.raises(coppice.NotFound):
            next(client.generate("nope", [1]))


def test_requests_beyond_the_limit_end_at_once():
    with coppice.Client("tcp://127.0.0.1:9", max_open=1) as client:
        client.submit("echo")
        with pytest.raises(coppice.Overloaded):
            client.submit("echo").result(0)


def test_a_gateway_that_asks_for_a_password_is_given_it():
    context = zmq.Context()
    zap, door = context.socket(zmq.REP), context.socket(zmq.ROUTER)
    zap.bind("inproc://zeromq.zap.01")
    door.plain_server, door.zap_domain = True, b"global"
    endpoint = f"tcp://127.0.0.1:{door.bind_to_random_port('tcp://127.0.0.1')}"
    asked = []

    def serve():
        status = b""
        while status != b"200":  # whoever was refused may have tried again at once
            version, request, *_, mechanism, user, password = zap.recv_multipart()
            asked.append((user, password))
            status = b"200" if password == b"secret" else b"400"
            zap.send_multipart([version, request, status, b"", user if status == b"200" else b"", b""])
        client, empty, head = door.recv_multipart()
        door.send_multipart([client, empty, msgpack.packb({"id": msgpack.unpackb(head).get("id")})])
        client, empty, head = door.recv_multipart()
        door.send_multipart([client, empty, msgpack.packb({"id": msgpack.unpackb(head).get("id")})])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with coppice.Client(endpoint, user="ann", password="wrong") as client, pytest.raises(coppice.Unauthenticated):
        client.ping(timeout=10)
    with coppice.Client(endpoint, user="ann", password="secret") as client:
        client.ping(timeout=10)
    thread.join()
    context.destroy(linger=0)
    assert asked[0] == (b"ann", b"wrong") and asked[-1] == (b"ann", b"secret")
