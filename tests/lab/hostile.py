"""Those who mean harm, on the control side: python -m tests.lab.hostile strangers|tenant (--help). Bounded in connections and rate; runs
until it is terminated."""
from __future__ import annotations

import argparse
import contextlib
import random
import select
import signal
import socket
import threading
from typing import Callable, Optional

import msgpack
import zmq
import zmq.auth

from tests.support.zmtp import GREETING, READY

PAUSE_S = 0.005
CURVE_GREETING = GREETING.replace(b"NULL".ljust(20, b"\0"), b"CURVE".ljust(20, b"\0"))
# Longer than any frame or message that a door takes.
HUGE = 1 << 62
ENDLESS_PARTS, PART = 4096, b"p" * 1024
GUESSES = 64


def address_of(endpoint: str) -> tuple[str, int]:
    host, port = endpoint.removeprefix("tcp://").partition("?")[0].rsplit(":", 1)
    return host, int(port)


class Strangers:
    """Without any key: garbage and half handshakes at doors and at schedulers' ports, keys that nobody allowed, and connections that
    never say anything, which are replaced as the door throws them out."""

    def __init__(self, doors: list[str], meshes: list[str], silent: int, seed: int) -> None:
        self.doors, self.meshes, self.silent = doors, meshes, silent
        self.draws = random.Random(seed)
        self.held: dict[int, socket.socket] = {}
        self.most_held, self.thrown_out, self.ends = 0, 0, select.epoll()
        self.context = zmq.Context()

    def turn(self) -> None:
        for descriptor, _ in self.ends.poll(0):
            self.held.pop(descriptor).close()
            self.thrown_out += 1
        for _ in range(50):
            if len(self.held) < self.silent:
                self.hold(socket.create_connection(address_of(self.draws.choice(self.doors)), timeout=3))
        self.draws.choice([self.garbage, self.mesh_garbage, self.plain, self.false_hello, self.huge_claim, self.wrong_key])()

    def hold(self, wire: socket.socket) -> None:
        self.held[wire.fileno()] = wire
        self.ends.register(wire, select.EPOLLRDHUP)
        self.most_held = max(self.most_held, len(self.held))

    def say(self, to: str, what: bytes) -> None:
        with socket.create_connection(address_of(to), timeout=3) as wire:
            wire.sendall(what)

    def garbage(self) -> None:
        self.say(self.draws.choice(self.doors), self.draws.randbytes(self.draws.randrange(1, 4096)))

    def mesh_garbage(self) -> None:
        """Also what looks like the beginning of a TLS handshake."""
        begin = self.draws.choice([b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
        self.say(self.draws.choice(self.meshes), begin + self.draws.randbytes(self.draws.randrange(1, 4096)))

    def plain(self) -> None:
        """A handshake without keys, and a request behind it all the same."""
        self.say(self.draws.choice(self.doors), GREETING + bytes([4, len(READY)]) + READY + b"\x01\x00\x00\x04abcd")

    def false_hello(self) -> None:
        self.say(self.draws.choice(self.doors), CURVE_GREETING + b"\x04\xc8\x05HELLO" + self.draws.randbytes(194))

    def huge_claim(self) -> None:
        self.say(self.draws.choice(self.doors), CURVE_GREETING + b"\x06" + HUGE.to_bytes(8, "big") + b"x" * 64)

    def wrong_key(self) -> None:
        with dealer(self.context, self.draws.choice(self.doors), *zmq.curve_keypair()) as wire:
            with contextlib.suppress(zmq.Again):
                wire.send_multipart([b"", b"x" * 64], zmq.DONTWAIT)
            wire.poll(30)

    def end(self) -> None:
        self.context.destroy(linger=0)
        for each in self.held.values():
            each.close()


class Tenant:
    """With a key of its own: endless and huge messages, headers that are none, and guesses at what others have open."""

    def __init__(self, doors: list[str], key_file: str, seed: int) -> None:
        self.doors, self.draws = doors, random.Random(seed)
        self.keys = zmq.auth.load_certificate(key_file)
        self.context = zmq.Context()
        # Of what a guess has brought. Anything but an error is a leak.
        self.leaks = 0

    def turn(self) -> None:
        self.draws.choice([self.endless, self.huge, self.no_headers, self.guess])()

    def wire(self) -> zmq.Socket:
        return dealer(self.context, self.draws.choice(self.doors), *self.keys)

    def endless(self) -> None:
        with self.wire() as wire:
            with contextlib.suppress(zmq.Again):
                for _ in range(ENDLESS_PARTS):
                    wire.send(PART, zmq.SNDMORE | zmq.DONTWAIT)

    def huge(self) -> None:
        with self.wire() as wire, contextlib.suppress(zmq.Again):
            wire.send_multipart([b"", b"h" * (3 << 20), b"x"], zmq.DONTWAIT)
            wire.poll(50)

    def no_headers(self) -> None:
        with self.wire() as wire, contextlib.suppress(zmq.Again):
            for each in (b"", b"\x81" * 64, b"\xdf\xff\xff\xff\xff", self.draws.randbytes(200)):
                wire.send_multipart([b"", each], zmq.DONTWAIT)
            wire.poll(50)

    def guess(self) -> None:
        """Ids and keys as clients number them, in sessions of others."""
        with self.wire() as wire, contextlib.suppress(zmq.Again):
            for number in range(GUESSES):
                op = self.draws.choice(["cancel", "resume"])
                session = f"{self.draws.getrandbits(64):016x}"
                guessed = {"v": 1, "op": op, "id": number, "session": session, "key": f"{session}-{number}", "seq": 0}
                wire.send_multipart([b"", msgpack.packb(guessed)], zmq.DONTWAIT)
            while wire.poll(50):
                self.leaks += "error" not in msgpack.unpackb(wire.recv_multipart()[1])

    def end(self) -> None:
        self.context.destroy(linger=0)


def dealer(context: zmq.Context, endpoint: str, public: bytes, secret: bytes) -> zmq.Socket:
    wire = context.socket(zmq.DEALER)
    wire.linger = 0
    where, _, key = endpoint.partition("?key=")
    wire.curve_publickey, wire.curve_secretkey, wire.curve_serverkey = public, secret, key.encode()
    wire.connect(where)
    return wire


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.lab.hostile", description=__doc__)
    made.add_argument("who", choices=["strangers", "tenant"])
    made.add_argument("--door", action="append", required=True, help="tcp://HOST:PORT?key=KEY")
    made.add_argument("--mesh", action="append", default=[], help="HOST:PORT of a scheduler")
    made.add_argument("--silent", type=int, default=5000, help="connections that say nothing")
    made.add_argument("--key-file", help="of the tenant")
    made.add_argument("--seed", type=int, default=1)
    return made


def run(turn: Callable[[], None], stopped: threading.Event) -> int:
    """@returns how many turns were taken. A turn that is refused or thrown out is as it should be."""
    turns = 0
    while not stopped.wait(PAUSE_S):
        with contextlib.suppress(OSError):
            turn()
        turns += 1
    return turns


def main(words: Optional[list[str]] = None) -> None:
    chosen, stopped = parser().parse_args(words), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    if chosen.who == "strangers":
        strangers = Strangers(chosen.door, chosen.mesh, chosen.silent, chosen.seed)
        turns = run(strangers.turn, stopped)
        print(f"{turns} turns, {strangers.most_held} silent connections at once, {strangers.thrown_out} were thrown out")
        strangers.end()
    else:
        tenant = Tenant(chosen.door, chosen.key_file, chosen.seed)
        turns = run(tenant.turn, stopped)
        print(f"{turns} turns, {tenant.leaks} leaks")
        tenant.end()


if __name__ == "__main__":
    main()
