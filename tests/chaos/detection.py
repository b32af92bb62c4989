"""When the cluster knew of a fault, from its own logs."""
from __future__ import annotations

import json
import time
from bisect import bisect_right
from datetime import datetime
from pathlib import Path
from typing import Optional

# Until how long after the cluster was whole again a line about the target is taken for the fault's consequence.
SLACK_US = 100_000
# By which events a gateway shows that it knows, and a scheduler.
GATEWAY_EVENTS = ("attempt_lost", "scheduler_lost")
SCHEDULER_EVENTS = ("engine_down",)


def wall_offset_us() -> int:
    """What to subtract from the wall clock's microseconds to get the monotonic clock's."""
    return (time.time_ns() - time.monotonic_ns()) // 1000


def of_whom(line: dict) -> str:
    """Whom a line is about: `<node>/<engine> reason`, an engine, or a scheduler."""
    return line.get("engine") or line.get("reason", "")


def is_about(fault: dict, event: str, whom: str) -> bool:
    if fault["fault"].endswith("scheduler") or event == "scheduler_lost":
        return fault["fault"].endswith("scheduler") and event == "scheduler_lost"
    engine = whom.split(" ")[0]
    return fault["target"] in (engine, engine.split("/")[0])


class ClusterLog:
    """Lines of all logs that are knowledge of a fault, by time; and `last_words`, which are no log lines: a failed
    assertion, an exception that nobody caught."""

    def __init__(self, folder: Path, offset_us: int) -> None:
        self.lines: list[tuple[int, str, str]] = []
        self.last_words: list[str] = []
        for file in sorted(folder.glob("*.log")):
            for text in file.read_text(errors="replace").splitlines():
                self.take(file.stem, text, offset_us)
        self.lines.sort()
        self.times = [each[0] for each in self.lines]

    def take(self, process: str, text: str, offset_us: int) -> None:
        if not text.startswith("{"):
            self.last_words.append(f"{process}: {text}")
            return
        try:
            line = json.loads(text)
            if line["event"] in GATEWAY_EVENTS + SCHEDULER_EVENTS:
                wall = datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
                self.lines.append((int(wall * 1e6) - offset_us, line["event"], of_whom(line)))
        except (ValueError, KeyError, TypeError):
            pass  # cut off by a kill

    def known_ms(self, fault: dict, events: tuple[str, ...]) -> Optional[float]:
        """From the strike to the first line about its target; None: it was over before anybody knew."""
        end = (fault["whole"] or fault["lifted"]) + SLACK_US
        for at, event, whom in self.lines[bisect_right(self.times, fault["at"]):]:
            if at > end:
                return None
            if event in events and is_about(fault, event, whom):
                return (at - fault["at"]) / 1000
        return None

    def detection_ms(self, faults: list[dict], roles: tuple[str, ...], events: tuple[str, ...]) -> list[float]:
        times = [self.known_ms(each, events) for each in faults if each["fault"].endswith(roles)]
        return [each for each in times if each is not None]
