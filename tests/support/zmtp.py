"""Connections that speak just enough of ZMTP 3.0 (RFC 23) to stand idle and to ask: one descriptor each."""
import socket

GREETING = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + b"\0" * 31
MORE, LONG, COMMAND = 1, 2, 4
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


def receive_message(wire):
    """The frames of the next message; commands are passed over."""
    frames = []
    while True:
        flags = receive(wire, 1)[0]
        size = int.from_bytes(receive(wire, 8 if flags & LONG else 1), "big")
        body = receive(wire, size)
        if flags & COMMAND:
            continue
        frames.append(body)
        if not flags & MORE:
            return frames


def ask(wire, *frames):
    """Sends one message of short or long frames as a DEALER does. Returns the frames of the answer."""
    frames, message = [b"", *frames], b""
    for left, frame in zip(reversed(range(len(frames))), frames):
        is_long = len(frame) > 255
        flags = (MORE if left else 0) | (LONG if is_long else 0)
        message += bytes([flags]) + len(frame).to_bytes(8 if is_long else 1, "big") + frame
    wire.sendall(message)  # in parts it would wait for acknowledgements
    return receive_message(wire)[1:]
