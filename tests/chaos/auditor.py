"""Judges a run from the clients' logs alone: python -m tests.chaos.auditor LOG... (--help).

Promises: conservation (every request that was sent has an outcome), one outcome (never two), right
answer (it belongs to that input), deadline (at the latest 50 ms after it).
Exit codes: 0 kept, 1 broken, 2 usage.
"""
from __future__ import annotations

import argparse
import bisect
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, NamedTuple, Optional

from tests.chaos.client_log import ClientLog, Outcome, Sent, read_log

GRACE_US = 50_000
# Clients whose names begin so get what they deserve: any outcome, but one, and in time.
OFFENDER = "offender"
KINDS = {
    "lost": "a request without an outcome",
    "doubled": "a request with more than one outcome",
    "wrong": "an answer to another input",
    "late": "an outcome more than 50 ms after the deadline",
    "failed": "an outcome that this run does not allow",
    "unasked": "an outcome without a request",
    "cut": "a log that does not end in order",
    "garbled": "a line that is none",
}


class Break(NamedTuple):
    """A promise broken. `number` and `at` are 0 if it is about a whole log."""

    kind: str
    client: str
    number: int
    at: int


@dataclass
class Verdict:
    requests: int = 0
    codes: Counter = field(default_factory=Counter)
    attempts: int = 0
    breaks: list[Break] = field(default_factory=list)
    # Of the outcomes that came after their deadline, how late the worst was; and the worst of those
    # whose client was itself late by as much, which no promise covers.
    worst_late_us: int = 0
    worst_excused_us: int = 0
    excused: int = 0

    @property
    def kept(self) -> bool:
        return self.requests > 0 and not self.breaks

    def counts(self) -> dict[str, int]:
        found = Counter(each.kind for each in self.breaks)
        return {kind: found[kind] for kind in KINDS}

    def as_json(self) -> dict:
        return {"requests": self.requests, "kept": self.kept, "codes": dict(self.codes), "breaks": self.counts(),
                "attempts": self.attempts, "worst_late_ms": self.worst_late_us / 1000,
                "excused_by_own_lateness": self.excused, "worst_excused_ms": self.worst_excused_us / 1000}


class Lateness:
    """When a client's own loop was late, to excuse it: in the time that it slept it could see no answer."""

    def __init__(self, log: ClientLog) -> None:
        self.spans = sorted((each.at - each.by, each.at) for each in log.late)
        self.ends = [end for _, end in self.spans]

    def between(self, start: int, end: int) -> int:
        """Microseconds of lateness within [start, end]."""
        first = bisect.bisect_left(self.ends, start)
        total = 0
        for begun, ended in self.spans[first:]:
            if begun >= end:
                break
            total += max(0, min(ended, end) - max(begun, start))
        return total


def audit(logs: Iterable[ClientLog], allowed: Optional[set[str]] = None) -> Verdict:
    """allowed: error codes that are no break; None: all of them, as for clients that mean harm."""
    verdict = Verdict()
    for log in logs:
        audit_log(log, None if log.name.startswith(OFFENDER) else allowed, verdict)
    verdict.breaks.sort(key=lambda each: each.at)
    return verdict


def audit_log(log: ClientLog, allowed: Optional[set[str]], verdict: Verdict) -> None:
    lateness = Lateness(log)
    # A client that ended, ended when it waited no longer; in a log that is cut, no one can say.
    open_requests = dict(log.sent)
    seen: set[int] = set()
    for outcome in log.outcomes:
        sent = open_requests.pop(outcome.number, None)
        if sent is not None:
            seen.add(outcome.number)
            judge(log.name, sent, outcome, lateness, allowed, verdict)
        else:
            kind = "doubled" if outcome.number in seen else "unasked"
            verdict.breaks.append(Break(kind, log.name, outcome.number, outcome.at))
    verdict.requests += len(log.sent)
    if log.ended:
        verdict.breaks += [Break("lost", log.name, number, sent.at) for number, sent in open_requests.items()]
    else:
        verdict.breaks.append(Break("cut", log.name, 0, 0))
    verdict.breaks += [Break("garbled", log.name, 0, 0)] * len(log.garbled)


def judge(client: str, sent: Sent, outcome: Outcome, lateness: Lateness, allowed: Optional[set[str]],
          verdict: Verdict) -> None:
    verdict.codes[outcome.code] += 1
    verdict.attempts += outcome.attempts
    if outcome.code == "ok" and outcome.digest != sent.digest:
        verdict.breaks.append(Break("wrong", client, outcome.number, outcome.at))
    if outcome.code != "ok" and allowed is not None and outcome.code not in allowed:
        verdict.breaks.append(Break("failed", client, outcome.number, outcome.at))
    late = outcome.at - sent.deadline
    if late <= 0:
        return
    own = lateness.between(sent.deadline, outcome.at)
    if late - own > GRACE_US:
        verdict.breaks.append(Break("late", client, outcome.number, outcome.at))
    if late > GRACE_US >= late - own:
        verdict.excused += 1
        verdict.worst_excused_us = max(verdict.worst_excused_us, late)
    else:
        verdict.worst_late_us = max(verdict.worst_late_us, late)


def story(of: Break, logs: Iterable[ClientLog], faults: Iterable[dict] = ()) -> list[str]:
    """What happened to that request and around it, in order; times in ms from its sending."""
    log = next(each for each in logs if each.name == of.client)
    title = f"{of.kind}: {KINDS[of.kind]} (client {of.client}, request {of.number})"
    sent = log.sent.get(of.number)
    if sent is None:
        return [title, *log.garbled[:1]]
    lines = [(sent.at, f"sent to '{sent.model}', input {sent.digest}"), (sent.deadline, "deadline")]
    lines += [(each.at, f"outcome {each.code}, of input {each.digest}, {each.attempts} attempts")
              for each in log.outcomes if each.number == of.number]
    first, last = lines[0][0] - 1_000_000, max(at for at, _ in lines) + 1_000_000
    for fault in faults:
        for moment, what in (("at", "struck"), ("lifted", "lifted"), ("whole", "whole again")):
            if first <= (fault.get(moment) or -1) <= last:
                lines.append((fault[moment], f"{fault['fault']} {fault['target']}: {what}"))
    lines += [(each.at, f"the client was late by {each.by / 1000:.1f} ms") for each in log.late if first <= each.at <= last]
    return [title] + [f"{(at - sent.at) / 1000:+12.3f} ms  {what}" for at, what in sorted(lines)]


def read_faults(file: Optional[Path]) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file else []


def say(verdict: Verdict, logs: list[ClientLog], faults: list[dict]) -> None:
    told = ", ".join(f"{count:,} {code}" for code, count in verdict.codes.most_common())
    print(f"{verdict.requests:,} requests of {len(logs)} clients: {told or 'no outcome'}")
    print(f"latest outcome {verdict.worst_late_us / 1000:.1f} ms after its deadline; {verdict.excused} later, "
          f"when their client itself was late (worst {verdict.worst_excused_us / 1000:.1f} ms)")
    for kind, count in verdict.counts().items():
        if count:
            print(f"BROKEN {count:,} x {KINDS[kind]}")
    if verdict.breaks:
        print("the first:", *story(verdict.breaks[0], logs, faults), sep="\n  ")
    elif not verdict.requests:
        print("BROKEN nothing was sent: nothing is shown")
    else:
        print("KEPT every request had one right outcome in time")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.auditor", description=__doc__.split("\n\n")[1])
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument("--allow", default=None, metavar="CODES", help="error codes that are no break (default: all)")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="the nemesis' log, for the story")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdict there, too")
    chosen = parser.parse_args()
    allowed = None if chosen.allow is None else {each for each in chosen.allow.split(",") if each}
    logs = [read_log(file) for file in chosen.logs]
    verdict = audit(logs, allowed)
    say(verdict, logs, read_faults(chosen.faults))
    if chosen.json:
        chosen.json.write_text(json.dumps(verdict.as_json(), indent=1))
    return 0 if verdict.kept else 1


if __name__ == "__main__":
    sys.exit(main())
