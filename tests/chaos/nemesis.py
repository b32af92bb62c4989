"""Strikes a cluster by a schedule that a seed decides, and keeps a record of it."""
from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Sequence

from tests.chaos.client_log import now_us
from tests.chaos.faults import Fault, Lift

WHOLE_LIMIT_S = 60
POLL_S = 0.005


@dataclass(frozen=True)
class Strike:
    """pause_s after the last fault was over, a fault for lasting_s; `draw` in [0, 1) chooses its target."""

    pause_s: float
    fault: Fault
    draw: float
    lasting_s: float


@dataclass(frozen=True)
class Struck:
    """A fault that has begun."""

    fault: str
    target: str
    at: int
    lift: Lift


class Part(NamedTuple):
    """Of each round of a schedule `share` strikes are this fault; one lasts that many seconds, drawn evenly."""

    fault: Fault
    share: int = 1
    lasting_s: tuple[float, float] = (0.0, 0.0)


def schedule(seed: int, parts: Sequence[Part], pause_s: tuple[float, float]) -> Iterator[Strike]:
    """Without end: rounds, each shuffled, so that every part gets its exact share. The same seed and parts give the
    same strikes."""
    draws = random.Random(seed)
    deck = [part for part in parts for _ in range(part.share)]
    while True:
        draws.shuffle(deck)
        for part in deck:
            yield Strike(draws.uniform(*pause_s), part.fault, draws.random(), draws.uniform(*part.lasting_s))


def chosen(targets: Sequence[str], draw: float) -> Optional[str]:
    return targets[int(draw * len(targets))] if targets else None


class Nemesis:
    """Each strike waits until the cluster was seen whole after the last one, so that each recovery can be timed, and is
    whole when it comes: a worker may still end an engine that was frozen until just now.

    Its record has one JSON map a line: fault, target, and microseconds of the monotonic clock when it
    struck (`at`), was lifted (`lifted`) and the cluster was seen whole (`whole`, null: not within 60 s)."""

    def __init__(self, cluster, record: Path) -> None:
        self.cluster = cluster
        self.record = record
        self.struck = 0
        self.stop = threading.Event()

    def run(self, strikes: Iterator[Strike], *, count: Optional[int] = None, seconds: Optional[float] = None) -> None:
        """Until `count` strikes or `seconds` have passed, whichever is first, or `stop` is set."""
        end = time.monotonic() + seconds if seconds is not None else float("inf")
        for each in strikes:
            if self.struck == count or self.stop.wait(max(0.0, min(each.pause_s, end - time.monotonic()))) \
                    or time.monotonic() >= end:
                return
            self.seen_whole()
            self.strike(each)

    def strike(self, each: Strike) -> None:
        target = chosen(each.fault.targets(self.cluster), each.draw)
        if target is None:
            return
        struck = self.begin(each.fault, target)
        self.stop.wait(each.lasting_s)
        self.end(struck)

    def begin(self, fault: Fault, target: str) -> Struck:
        strike = fault.aim(self.cluster, target)
        # The moment before it: whatever it causes is later.
        at = now_us()
        return Struck(fault.name, target, at, strike())

    def end(self, *struck: Struck) -> None:
        """Lifts them, waits until the cluster was seen whole, and notes them."""
        for each in struck:
            each.lift()
        lifted = now_us()
        whole = self.seen_whole()
        self.struck += len(struck)
        with open(self.record, "a") as file:
            for each in struck:
                file.write(json.dumps({"fault": each.fault, "target": each.target, "at": each.at, "lifted": lifted,
                                       "whole": whole}) + "\n")

    def seen_whole(self) -> Optional[int]:
        end = time.monotonic() + WHOLE_LIMIT_S
        while time.monotonic() < end:
            if self.cluster.is_whole():
                return now_us()
            self.stop.wait(POLL_S)
        return None
