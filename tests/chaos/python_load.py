"""A load through the Python client library: python -m tests.chaos.python_load PLAN.json. Writes the log of
tests/chaos/client_log.py. SIGTERM ends the sending; what is open still gets its outcome."""
from __future__ import annotations

import hashlib
import json
import random
import signal
import sys
import threading
import time
from pathlib import Path

import coppice
import numpy as np

from tests.chaos.client_log import now_us

LONGEST_WAIT_S = 0.005
NOTABLE_LATENESS_S = 0.010
GRACE_S = 1.0


def digest_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def arrivals(plan: dict, draws: random.Random):
    """Seconds from the start at which requests leave."""
    at = begun = 0.0
    for phase in plan["phases"]:
        begun, end, rate = begun, begun + phase["seconds"], phase["rate"]
        at = begun
        while rate > 0 and (at := at + (1 / rate if plan["even"] else draws.expovariate(rate))) < end:
            yield at
        begun = end


class Load:
    def __init__(self, plan: dict) -> None:
        self.plan = plan
        self.log = open(plan["log"], "w")
        self.lock = threading.Lock()
        self.open = 0
        self.stopped = threading.Event()

    def write(self, *words: object) -> None:
        with self.lock:
            self.log.write(" ".join(map(str, words)) + "\n")

    def run(self) -> None:
        draws = random.Random(self.plan["seed"])
        weights = [each["weight"] for each in self.plan["mix"]]
        last_deadline = 0.0
        with coppice.Client(self.plan["endpoints"]) as client:
            start = time.monotonic()
            for number, at in enumerate(arrivals(self.plan, draws), 1):
                if not self.wait_until(start + at) or number > self.plan["limit"]:
                    break
                kind, = draws.choices(self.plan["mix"], weights)
                last_deadline = max(last_deadline, time.monotonic() + kind["timeout_ms"] / 1000)
                self.send(client, number, kind, draws.randbytes(kind["bytes"]))
            while self.open and time.monotonic() < last_deadline + GRACE_S:
                self.step(LONGEST_WAIT_S)
        self.write("E", now_us())
        self.log.close()

    def wait_until(self, due: float) -> bool:
        """False: told to stop."""
        while (left := due - time.monotonic()) > 0 and not self.stopped.is_set():
            self.step(min(left, LONGEST_WAIT_S))
        return not self.stopped.is_set()

    def step(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        time.sleep(seconds)
        late = time.monotonic() - until
        if late >= NOTABLE_LATENESS_S:
            self.write("L", now_us(), int(late * 1e6))

    def send(self, client: coppice.Client, number: int, kind: dict, data: bytes) -> None:
        timeout = kind["timeout_ms"] / 1000
        at = now_us()
        self.write("S", at, number, kind["model"], at + kind["timeout_ms"] * 1000, digest_of(data))
        with self.lock:
            self.open += 1
        parameters = {"ms": kind["sleep_ms"]} if kind["sleep_ms"] > 0 else None
        future = client.submit(kind["model"], {"x": np.frombuffer(data, np.uint8)}, timeout=timeout,
                               parameters=parameters, priority=kind["class"])
        future.add_done_callback(lambda done: self.take(number, kind["model"] == "flip", done))

    def take(self, number: int, inverted: bool, done) -> None:
        at = now_us()
        failure = done.exception()
        if failure is None:
            output, = done.result().outputs.values()
            raw = (~output if inverted else output).tobytes()
            self.write("O", at, number, "ok", digest_of(raw), done.result().timing.attempts)
        else:
            self.write("O", at, number, getattr(failure, "code", type(failure).__name__), "-", 0)
        with self.lock:
            self.open -= 1


def main() -> None:
    load = Load(json.loads(Path(sys.argv[1]).read_text()))
    signal.signal(signal.SIGTERM, lambda *_: load.stopped.set())
    load.run()


if __name__ == "__main__":
    main()
