"""Figures of a run, from the clients' logs, the nemesis' record and the cluster's logs. Pure."""
from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Iterable, Optional, Sequence

from tests.chaos.client_log import ClientLog

BIN_US = 100_000
MS = 1000


def quantile(values: Sequence[float], q: float) -> Optional[float]:
    """The smallest value that at least q of them do not exceed; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-q * len(ordered) // 1) - 1))]


@dataclass(frozen=True)
class Figure:
    """bar: what it is to reach; None: it is only told. `most`: the bar is an upper one. n: of how many it is a figure;
    least_n: of fewer it says nothing about the bar."""

    name: str
    value: Optional[float]
    unit: str
    bar: Optional[float] = None
    most: bool = True
    n: Optional[int] = None
    least_n: int = 0

    @property
    def verdict(self) -> str:
        if self.bar is None or self.value is None:
            return "" if self.bar is None else "not seen"
        if not (self.value <= self.bar if self.most else self.value >= self.bar):
            return "MISSED"
        return "met" if (self.n or 0) >= self.least_n else "too few"

    def as_json(self) -> dict:
        return {"name": self.name, "value": self.value, "unit": self.unit, "bar": self.bar,
                "bar_is": None if self.bar is None else "at most" if self.most else "at least",
                "n": self.n, "least_n": self.least_n, "verdict": self.verdict}


def tail(name: str, times: Sequence[float], bar: Optional[float] = None, least_n: int = 0) -> list[Figure]:
    """Median and 99th percentile of milliseconds; the bar is the latter's."""
    return [Figure(f"{name} p50", quantile(times, 0.5), "ms", n=len(times)),
            Figure(f"{name} p99", quantile(times, 0.99), "ms", bar, n=len(times), least_n=least_n)]


class Requests:
    """Every request of every client with its first outcome, as (sent, answered, code, attempts, client, model)."""

    def __init__(self, logs: Iterable[ClientLog]) -> None:
        self.rows: list[tuple[int, int, str, int, str, str]] = []
        self.sent_at: list[int] = []
        for log in logs:
            seen = set()
            self.sent_at += [each.at for each in log.sent.values()]
            for each in log.outcomes:
                sent = log.sent.get(each.number)
                if sent is not None and each.number not in seen:
                    seen.add(each.number)
                    self.rows.append((sent.at, each.at, each.code, each.attempts, log.name, sent.model))

    def latencies_ms(self, code: str = "ok", keep: Callable[[tuple], bool] = lambda _: True) -> list[float]:
        return [(row[1] - row[0]) / MS for row in self.rows if row[2] == code and keep(row)]

    def rate(self, start: int, end: int, code: str = "ok") -> float:
        """Outcomes of that code a second, by the time they came, within [start, end) microseconds."""
        return sum(1 for row in self.rows if row[2] == code and start <= row[1] < end) / ((end - start) / 1e6)

    def per_bin(self) -> tuple[int, list[int], list[int]]:
        """First microsecond, and requests sent and answered with `ok` in each tenth of a second since."""
        start = min(self.sent_at)
        sent = Counter((at - start) // BIN_US for at in self.sent_at)
        good = Counter((row[1] - start) // BIN_US for row in self.rows if row[2] == "ok")
        bins = range(max([*sent, *good]) + 1)
        return start, [sent[each] for each in bins], [good[each] for each in bins]

    def amplification(self) -> Optional[float]:
        """Attempts for each request that ended well, retries after deaths included."""
        attempts = [row[3] for row in self.rows if row[2] == "ok" and row[3] > 0]
        return sum(attempts) / len(attempts) if attempts else None

    def extra_ms_of_hit(self, strikes: Sequence[int]) -> list[float]:
        """Of requests that took more than one attempt: from the last strike before the answer, or from the request if that
        was later, to the answer. All that the strike cost it, and what was left of its service time."""
        ordered = sorted(strikes)
        extra = []
        for sent, answered, code, attempts, *_ in self.rows:
            if code == "ok" and attempts > 1:
                before = bisect_right(ordered, answered)
                since = max(sent, ordered[before - 1]) if before else sent
                extra.append((answered - since) / MS)
        return extra


def recovery_ms(fault: dict) -> Optional[float]:
    """From the moment that it could recover - the strike that needs no lifting, else the lifting - until whole."""
    since = fault["at"] if fault["fault"].startswith(("kill", "restart")) else fault["lifted"]
    return None if fault["whole"] is None else (fault["whole"] - since) / MS


def latency_figures(requests: Requests) -> list[Figure]:
    all_of_them = requests.latencies_ms()
    return [*tail("latency", all_of_them), Figure("latency max", max(all_of_them, default=None), "ms", n=len(all_of_them)),
            Figure("attempts a request that ended well", requests.amplification(), "", n=len(all_of_them))]


def recovery_figures(faults: list[dict]) -> list[Figure]:
    figures = []
    for kind in sorted({each["fault"] for each in faults}):
        times = [recovery_ms(each) for each in faults if each["fault"] == kind]
        known = [each for each in times if each is not None]
        figures += [*tail(f"{kind}: whole again", known),
                    Figure(f"{kind}: not whole within a minute", len(times) - len(known), "", bar=0, n=len(times))]
    return figures
