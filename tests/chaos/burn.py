"""Keeps all processors busy beside a campaign: python -m tests.chaos.burn SHARE SECONDS. One process for each; of
their time in use, whoever uses it, SHARE (1: they never rest). Ends after SECONDS, or with whoever started it."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Optional

from tests.chaos.sampling import busy_share, processor_ticks

SLICE_S = 0.02
LOOK_S = 0.2
# Of the duty, for each tenth of use that is missing; higher, it swings.
GAIN = 0.5


def next_duty(duty: float, wanted: float, seen: Optional[float]) -> float:
    """Share of its own time that a burner works next."""
    return 1.0 if wanted >= 1 else min(1.0, max(0.0, duty + GAIN * (wanted - (wanted if seen is None else seen))))


def spin_until(end: float) -> None:
    while time.monotonic() < end:
        pass


def burn(wanted: float, seconds: float) -> None:
    parent, end = os.getppid(), time.monotonic() + seconds
    duty, ticks, look = 0.0, processor_ticks(), 0.0
    while (now := time.monotonic()) < end and os.getppid() == parent:
        if now >= look:
            before, ticks, look = ticks, processor_ticks(), now + LOOK_S
            duty = next_duty(duty, wanted, busy_share(before, ticks))
        spin_until(now + SLICE_S * duty)
        time.sleep(max(0.0, now + SLICE_S - time.monotonic()))


class Burners:
    """`with Burners(share, seconds):`"""

    def __init__(self, share: float, seconds: float) -> None:
        self.words = [sys.executable, "-m", "tests.chaos.burn", str(share), str(seconds)]

    def __enter__(self) -> Burners:
        self.processes = [subprocess.Popen(self.words) for _ in range(os.cpu_count() or 1)]
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.processes:
            each.kill()
            each.wait()


if __name__ == "__main__":
    burn(float(sys.argv[1]), float(sys.argv[2]))
