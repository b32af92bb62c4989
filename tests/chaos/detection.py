"""When the cluster knew of a fault, from its own logs."""
from __future__ import annotations

import json
import time
from bisect import bisect_right
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Optional

# Until how long after the cluster was whole again a line about the target is taken for the fault's consequence.
SLACK_US = 100_000
# By which events a gateway shows that it knows, and a scheduler.
GATEWAY_EVENTS = ("attempt_lost", "link_silent", "scheduler_lost")
SCHEDULER_EVENTS = ("engine_down",)
# By which a worker shows that the kernel has ended the process of an engine.
WORKER_EVENTS = ("engine_ended",)
# A scheduler cannot see that the engines of such a node end, for they do not while gateways reach them: that it hears nothing of the
# node is all there is to know.
SUSPICION = "suspect"
ONLY_SUSPECTED = ("freeze worker", "cut scheduler - node", "cut scheduler > node", "cut node > scheduler")
# What nobody may say while nothing is wrong.
BAD_VERDICTS = ("suspect", "dead", "hung", "quarantined", "probation")


class Known(NamedTuple):
    """A line that is knowledge of a fault: an engine's name or a reason that begins with it, or a scheduler's."""

    at: int
    event: str
    whom: str


def wall_offset_us() -> int:
    """What to subtract from the wall clock's microseconds to get the monotonic clock's."""
    return (time.time_ns() - time.monotonic_ns()) // 1000


def of_whom(line: dict) -> str:
    """Whom a line is about: `<node>/<engine> reason`, an engine, or a scheduler."""
    return line.get("engine") or line.get("reason", "")


def is_about(fault: dict, event: str, whom: str) -> bool:
    of_scheduler = fault["target"].startswith("scheduler-")
    if of_scheduler or event == "scheduler_lost":
        return of_scheduler and event == "scheduler_lost"
    if fault["fault"] == "hang":
        return True  # whichever engine it is: the next one that goes down
    engine = whom.split(" ")[0]
    return fault["target"] in (engine, engine.split("/")[0])


class ClusterLog:
    """Lines of all logs that are knowledge of a fault, by time; `alarms`, how often each thing was said that nobody may
    say without a fault; and `last_words`, which are no log lines: a failed assertion, an exception that nobody caught."""

    def __init__(self, folder: Path, offset_us: int) -> None:
        self.lines: list[Known] = []
        self.alarms: Counter = Counter()
        self.last_words: list[str] = []
        for file in sorted(folder.glob("*.log")):
            for text in file.read_text(errors="replace").splitlines():
                self.take(file.stem, text, offset_us)
        self.lines.sort()
        self.times = [each.at for each in self.lines]

    def take(self, process: str, text: str, offset_us: int) -> None:
        if not text.startswith("{"):
            self.last_words.append(f"{process}: {text}")
            return
        try:
            line = json.loads(text)
            event = line["event"]
            if event in GATEWAY_EVENTS + SCHEDULER_EVENTS + WORKER_EVENTS:
                self.lines.append(Known(self.moment(line, offset_us), event, of_whom(line)))
                self.alarms[event] += 1
            elif event == "verdict" and line["verdict"] in BAD_VERDICTS:
                self.alarms[line["verdict"]] += 1
                if line["verdict"] == SUSPICION:
                    self.lines.append(Known(self.moment(line, offset_us), SUSPICION, of_whom(line)))
        except (ValueError, KeyError, TypeError):
            pass  # cut off by a kill

    @staticmethod
    def moment(line: dict, offset_us: int) -> int:
        wall = datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
        return int(wall * 1e6) - offset_us

    def known_ms(self, fault: dict, events: tuple[str, ...] = GATEWAY_EVENTS + SCHEDULER_EVENTS) -> Optional[float]:
        """From the strike to the first line about its target; None: it was over before anybody knew."""
        end = (fault["whole"] or fault["lifted"]) + SLACK_US
        if fault["fault"] in ONLY_SUSPECTED:
            events = (*events, SUSPICION)
        for at, event, whom in self.lines[bisect_right(self.times, fault["at"]):]:
            if at > end:
                return None
            if event in events and is_about(fault, event, whom):
                return (at - fault["at"]) / 1000
        return None


def detection_ms(log: ClusterLog, faults: list[dict], kinds: tuple[str, ...], lasting_ms: float = 0) -> tuple[list[float], int]:
    """Times to knowledge of all faults of these kinds that lasted so long, and how many of them nobody ever knew. What was
    lifted sooner could not have been known, and what was known of it would only flatter."""
    asked = [each for each in faults if each["fault"] in kinds and each["lifted"] - each["at"] >= lasting_ms * 1000]
    known = [at for at in map(log.known_ms, asked) if at is not None]
    return known, len(asked) - len(known)


def told_ms(log: ClusterLog, faults: list[dict], kind: str) -> list[float]:
    """Of engines' ends of that kind: from when their worker saw the end of the process until a gateway or scheduler knew. The
    rest is the kernel's, which takes a process apart before it tells anybody."""
    both = [(log.known_ms(each, WORKER_EVENTS), log.known_ms(each)) for each in faults if each["fault"] == kind]
    return [known - ended for ended, known in both if ended is not None and known is not None]
