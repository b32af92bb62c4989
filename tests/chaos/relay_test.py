"""The relay carries bytes, in both directions, delivers messages twice and stands still when told."""
import socket
import threading

import pytest
import zmq

from tests.chaos.relay import GREETING_BYTES, Messages, Relay


@pytest.fixture
def echo():
    """The endpoint of a server that returns what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            with wire:
                while data := wire.recv(4096):
                    wire.sendall(data)
    threading.Thread(target=serve, daemon=True).start()
    yield "tcp://127.0.0.1:%d" % listener.getsockname()[1]
    listener.close()


@pytest.fixture
def relay(echo):
    made = Relay(echo)
    yield made
    made.close()


def connect(relay):
    host, port = relay.endpoint.removeprefix("tcp://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def receive(wire, size):
    data = b""
    while len(data) < size:
        data += wire.recv(size - len(data))
    return data


def test_carries_bytes_there_and_back(relay):
    with connect(relay) as wire:
        wire.sendall(b"x" * 300_000)
        assert receive(wire, 300_000) == b"x" * 300_000


def test_holds_back_what_comes_while_it_stands_still_and_loses_none_of_it(relay):
    with connect(relay) as wire:
        wire.sendall(b"before")
        assert receive(wire, 6) == b"before"
        relay.set_flowing(False)
        wire.sendall(b"after")
        wire.settimeout(0.2)
        with pytest.raises(TimeoutError):
            wire.recv(1)
        relay.set_flowing(True)
        wire.settimeout(10)
        assert receive(wire, 5) == b"after"


def test_closes_with_its_gateway():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay("tcp://127.0.0.1:%d" % listener.getsockname()[1])
        with connect(relay) as wire:
            accepted, _ = listener.accept()
            accepted.close()
            assert wire.recv(1) == b""
        relay.close()


GREETING = b"\xff" + b"g" * (GREETING_BYTES - 1)
READY = b"\x04\x06\x05READY"
TWO_FRAMES = b"\x01\x00" + b"\x00\x03abc"
LONG = b"\x02" + (300).to_bytes(8, "big") + b"l" * 300


@pytest.mark.parametrize("step", [1, 7, 64, 1000])
def test_finds_messages_however_they_arrive(step):
    wire, messages, pieces = GREETING + READY + TWO_FRAMES + LONG, Messages(), []
    for at in range(0, len(wire), step):
        pieces += messages.split(wire[at:at + step])
    assert [piece for piece, is_message in pieces if is_message] == [TWO_FRAMES, LONG]
    assert b"".join(piece for piece, _ in pieces) == wire


def test_passes_on_what_is_no_zmtp():
    assert list(Messages().split(b"\x00\x03abc")) == [(b"\x00\x03abc", False)]


def test_delivers_messages_twice_when_told():
    with zmq.Context() as context, context.socket(zmq.DEALER) as here, context.socket(zmq.DEALER) as there:
        here.linger = there.linger = 0
        there.rcvtimeo = 10_000
        relay = Relay("tcp://127.0.0.1:%d" % there.bind_to_random_port("tcp://127.0.0.1"))
        here.connect(relay.endpoint)
        here.send_multipart([b"a", b"once"])
        assert there.recv_multipart() == [b"a", b"once"]
        relay.set_doubled(1.0)
        here.send_multipart([b"a", b"twice"])
        assert [there.recv_multipart() for _ in range(2)] == [[b"a", b"twice"]] * 2
        relay.close()
