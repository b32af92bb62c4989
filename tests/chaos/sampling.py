"""Memory, descriptors and threads of the cluster's processes over time, and their slopes."""
from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from tests.chaos.client_log import now_us
from tests.chaos.faults import resident_bytes


class Sample(NamedTuple):
    at: int
    resident: int
    descriptors: int
    threads: int


def sample(pid: int) -> Optional[Sample]:
    """None: it has ended."""
    try:
        return Sample(now_us(), resident_bytes(pid), len(list(Path(f"/proc/{pid}/fd").iterdir())),
                      len(list(Path(f"/proc/{pid}/task").iterdir())))
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return None


def slope_per_hour(samples: Sequence[Sample], field: str) -> Optional[float]:
    """Least squares; None of fewer than two moments."""
    if len({each.at for each in samples}) < 2:
        return None
    times = [each.at / 3.6e9 for each in samples]
    values = [getattr(each, field) for each in samples]
    mean_time, mean_value = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - mean_time) ** 2 for at in times)
    return sum((at - mean_time) * (value - mean_value) for at, value in zip(times, values)) / spread


def processor_ticks() -> tuple[int, int]:
    """Of all processors since the machine started: busy, and altogether."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)  # idle, and waiting for a disk


def busy_share(before: tuple[int, int], after: tuple[int, int]) -> Optional[float]:
    """Share of the processors' time that was used between two looks; None of no time."""
    total = after[1] - before[1]
    return (after[0] - before[0]) / total if total > 0 else None


class Sampler:
    """Samples every process of a cluster each `every_s`, on a thread, until `stop`. Keyed by (name, pid): a
    process that was started again is another one."""

    def __init__(self, cluster, every_s: float) -> None:
        self.cluster, self.every_s = cluster, every_s
        self.samples: dict[tuple[str, int], list[Sample]] = defaultdict(list)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, name="sampler", daemon=True)
        self.thread.start()

    def run(self) -> None:
        while not self.stopped.wait(self.every_s):
            for name, pid in self.cluster.pids().items():
                if (taken := sample(pid)) is not None:
                    self.samples[name, pid].append(taken)

    def stop(self) -> dict[tuple[str, int], list[Sample]]:
        self.stopped.set()
        self.thread.join()
        return self.samples

    def write(self, file: Path) -> None:
        """As lines of comma-separated values: what a slope is made of."""
        rows = sorted((each.at, name, pid, each.resident, each.descriptors, each.threads)
                      for (name, pid), samples in self.samples.items() for each in samples)
        file.write_text("\n".join(["at_us,name,pid,resident_bytes,descriptors,threads", *(",".join(map(str, row)) for row in rows)]) + "\n")

    def oldest_of(self, name: str) -> list[Sample]:
        """Of the process of that name with the most samples."""
        return max((samples for (each, _), samples in self.samples.items() if each == name), key=len, default=[])
