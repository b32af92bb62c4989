"""The relay carries bytes, in both directions, and stands still when told."""
import socket
import threading

import pytest

from tests.chaos.relay import Relay


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
