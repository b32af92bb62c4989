"""Figures of a run, from the clients' logs, the nemesis' record and the cluster's logs. Pure."""
from __future__ import annotations

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
    """bar: what it is to reach; None: it is only told. `most`: the bar is an upper one."""

    name: str
    value: Optional[float]
    unit: str
    bar: Optional[float] = None
    most: bool = True

    @property
    def verdict(self) -> str:
        if self.bar is None or self.value is None:
            return "" if self.bar is None else "not seen"
        return "met" if (self.value <= self.bar if self.most else self.value >= self.bar) else "MISSED"

    def as_json(self) -> dict:
        return {"name": self.name, "value": self.value, "unit": self.unit, "bar": self.bar, "verdict": self.verdict}


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

    def extra_ms_of_hit(self) -> list[float]:
        """Of requests that took more than one attempt: latency beyond the median of their model."""
        usual = {model: quantile(self.latencies_ms(keep=lambda row, of=model: row[5] == of), 0.5) or 0.0
                 for model in {row[5] for row in self.rows}}
        return [max(0.0, (row[1] - row[0]) / MS - usual[row[5]]) for row in self.rows if row[2] == "ok" and row[3] > 1]


def recovery_ms(fault: dict) -> Optional[float]:
    """From the moment that it could recover - the strike that needs no lifting, else the lifting - until whole."""
    since = fault["at"] if fault["fault"].startswith(("kill", "restart")) else fault["lifted"]
    return None if fault["whole"] is None else (fault["whole"] - since) / MS


def latency_figures(requests: Requests) -> list[Figure]:
    all_of_them = requests.latencies_ms()
    return [Figure("latency p50", quantile(all_of_them, 0.5), "ms"), Figure("latency p99", quantile(all_of_them, 0.99), "ms"),
            Figure("latency max", max(all_of_them, default=None), "ms"),
            Figure("attempts a request", requests.amplification(), "")]


def recovery_figures(faults: list[dict]) -> list[Figure]:
    figures = []
    for kind in sorted({each["fault"] for each in faults}):
        times = [recovery_ms(each) for each in faults if each["fault"] == kind]
        known = [each for each in times if each is not None]
        figures += [Figure(f"{kind}: times", len(times), ""), Figure(f"{kind}: whole again p50", quantile(known, 0.5), "ms"),
                    Figure(f"{kind}: whole again p99", quantile(known, 0.99), "ms"),
                    Figure(f"{kind}: not whole within a minute", len(times) - len(known), "", bar=0)]
    return figures
