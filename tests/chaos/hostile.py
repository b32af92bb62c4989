"""Clients that mean harm or are broken: python -m tests.chaos.hostile ENDPOINT SEED. Bounded in connections
and rate; runs until it is terminated."""
from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass

import msgpack
import zmq

from tests.support.zmtp import GREETING, READY

PAUSE_S = 0.02
IDLE_CONNECTIONS = 64
UNREAD_REQUESTS = 256


class Hostile:
    def __init__(self, endpoint: str, seed: int) -> None:
        self.endpoint = endpoint
        self.draws = random.Random(seed)
        self.stopped = threading.Event()
        self.context = zmq.Context()
        self.idle: list[socket.socket] = []

    def run(self) -> None:
        tricks = [self.garbage, self.broken_frames, self.bad_headers, self.large_claim, self.silence, self.unread]
        while not self.stopped.wait(PAUSE_S):
            try:
                self.draws.choice(tricks)()
            except OSError:
                pass  # refused or thrown out: as it should be
        self.context.destroy(linger=0)

    def wire(self) -> socket.socket:
        host, port = self.endpoint.removeprefix("tcp://").rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=1)

    def garbage(self) -> None:
        with self.wire() as wire:
            wire.sendall(self.draws.randbytes(self.draws.randrange(1, 4096)))

    def broken_frames(self) -> None:
        with self.wire() as wire:
            wire.sendall(GREETING + bytes([4, len(READY)]) + READY + self.draws.randbytes(512))

    def large_claim(self) -> None:
        """A frame that claims to be 2^62 bytes long."""
        with self.wire() as wire:
            wire.sendall(GREETING + bytes([4, len(READY)]) + READY + b"\x02" + (1 << 62).to_bytes(8, "big") + b"x" * 64)

    def silence(self) -> None:
        if len(self.idle) >= IDLE_CONNECTIONS:
            self.idle.pop(0).close()
        self.idle.append(self.wire())

    def dealer(self) -> zmq.Socket:
        made = self.context.socket(zmq.DEALER)
        made.linger = 0
        made.connect(self.endpoint)
        return made

    def bad_headers(self) -> None:
        with self.dealer() as dealer:
            odd = [self.draws.randbytes(64), b"", msgpack.packb({"v": 1, "op": "infer", "id": 1, "model": "echo", "timeout_ms": -1}),
                   msgpack.packb({"v": 1, "op": "infer", "id": 1, "model": "x" * 5000}), b"\x81" * 64, b"\xdf\xff\xff\xff\xff"]
            for each in odd:
                dealer.send_multipart([b"", each, *[b"z"] * self.draws.randrange(3)])
            dealer.poll(50)

    def unread(self) -> None:
        """Asks for much and reads none of it."""
        with self.dealer() as dealer:
            header = {"v": 1, "op": "infer", "model": "echo", "timeout_ms": 1000, "inputs": [
                {"name": "x", "datatype": "UINT8", "shape": [4096], "frame": 0}]}
            for number in range(UNREAD_REQUESTS):
                dealer.send_multipart([b"", msgpack.packb({**header, "id": number}), b"q" * 4096])
            self.stopped.wait(0.2)


@dataclass(frozen=True)
class HostileClients:
    """As a fault: they work beside the load, at one gateway."""

    name: str = "hostile clients"

    def targets(self, cluster) -> list[str]:
        return cluster.endpoints

    def aim(self, cluster, target: str):
        def strike():
            process = subprocess.Popen([sys.executable, "-m", "tests.chaos.hostile", target, "1"])

            def lift() -> None:
                process.terminate()
                process.wait(30)
            return lift
        return strike


def main() -> None:
    hostile = Hostile(sys.argv[1], int(sys.argv[2]))
    signal.signal(signal.SIGTERM, lambda *_: hostile.stopped.set())
    hostile.run()


if __name__ == "__main__":
    main()
