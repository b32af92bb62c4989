"""Connections that speak just enough of ZMTP 3.0 (RFC 23) to stand idle: one descriptor each."""
import socket

GREETING = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + b"\0" * 31
READY = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER"


def receive(wire, size):
    data = b""
    while len(data) < size:
        part = wire.recv(size - len(data))
        assert part, "the gateway closed the connection"
        data += part
    return data


def connect(endpoint):
    """A connection whose handshake is done. Returns its socket; the caller closes it."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    wire = socket.create_connection((host, int(port)), timeout=30)
    wire.sendall(GREETING + bytes([4, len(READY)]) + READY)
    receive(wire, len(GREETING))
    _, size = receive(wire, 2)
    receive(wire, size)
    return wire
