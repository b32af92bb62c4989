"""Campaigns in which the load itself is the fault: too much of it, or too few engines for it."""
from __future__ import annotations

import json
import subprocess
from functools import partial
from typing import Optional

from tests.chaos.faults import Kill
from tests.chaos.figures import Figure, Requests, quantile
from tests.chaos.load import Client, sleep
from tests.chaos.run import Campaign, Evidence, Run, Scale
from tests.support.cluster import BIN

# A timed model, so that the processors are not the limit.
STEP_MS = 8.0
TIMEOUT_MS = 1000
# The default serves clients with hundreds of requests in flight; this is for who wants short waits.
TARGET_MS = 2
SHED = frozenset({"overloaded", "deadline"})
US = 1e6
# Recovery is looked at in stretches of this length.
STRETCH_US = 1_000_000


def timed(name: str, phases, timeout_ms: int = TIMEOUT_MS, via: str = "dealer") -> Client:
    return Client(name, via, tuple(phases), (sleep(STEP_MS, timeout_ms=timeout_ms),))


def measured_capacity(run: Run, seconds: float) -> float:
    """Timed requests a second with every engine busy, by `coppice bench`."""
    concurrency = 4 * run.campaign.layout["nodes"] * run.campaign.layout["engines"]
    done = subprocess.run(run.cluster.command(
        BIN / "coppice", "bench", "sleep", "--endpoint", run.cluster.endpoints[0], "--concurrency", concurrency, "--duration",
        seconds, "--parameters", json.dumps({"ms": STEP_MS}), "--json"), capture_output=True, text=True, timeout=60 + seconds)
    if done.returncode != 0:
        raise RuntimeError(f"the capacity could not be measured: {done.stderr}")
    run.measured["capacity"] = json.loads(done.stdout)["requests_per_s"]
    return run.measured["capacity"]


def send_for(run: Run, moment: str, rate: float, seconds: float, clients: int = 2) -> None:
    """A stretch of the load at that rate, by several clients; its beginning and end are noted. What it leaves
    open goes on into the next stretch."""
    for k in range(clients):
        run.start(timed(f"{moment}-{k + 1}", [(seconds, rate / clients)]))
    run.note(moment)
    run.wait(seconds)
    run.note(f"end of {moment}")


def latencies_ms(requests: Requests, window: tuple[int, int], code: str = "ok") -> list[float]:
    return requests.latencies_ms(code, lambda row: window[0] <= row[0] < window[1])


def window_of(evidence: Evidence, moment: str, skip_s: float = 0.5) -> tuple[int, int]:
    """Without its first half second, in which clients connect."""
    return evidence.moments[moment] + int(skip_s * US), evidence.moments[f"end of {moment}"]


# --- overload ---------------------------------------------------------------------------------

def drive_overload(run: Run) -> None:
    capacity = measured_capacity(run, min(2.0, run.scale.seconds))
    for moment, factor in (("unloaded", 0.3), ("twice", 2), ("tenfold", 10), ("after", 0.8)):
        send_for(run, moment, capacity * factor, run.scale.seconds)


def goodput_share(evidence: Evidence, moment: str) -> float:
    return 100 * evidence.requests.rate(*window_of(evidence, moment)) / evidence.measured["capacity"]


def seconds_to_recover(requests: Requests, begun: int, ended: int, share: float = 0.99) -> Optional[float]:
    """From `begun` to the first stretch from which on, of what was sent in each, that share ended well."""
    recovered: Optional[float] = None
    for start in range(begun, ended - STRETCH_US + 1, STRETCH_US):
        codes = [row[2] for row in requests.rows if start <= row[0] < start + STRETCH_US]
        if codes and codes.count("ok") < share * len(codes):
            recovered = None
        elif recovered is None:
            recovered = (start - begun) / US
    return recovered


def judge_overload(evidence: Evidence) -> list[Figure]:
    requests, of = evidence.requests, partial(window_of, evidence)
    unloaded = quantile(latencies_ms(requests, of("unloaded")), 0.99) or 0.0
    figures = [Figure("capacity", evidence.measured["capacity"], "requests/s"), Figure("unloaded p99", unloaded, "ms")]
    for moment, least in (("twice", 98), ("tenfold", 95)):
        refused = latencies_ms(requests, of(moment), "overloaded")
        figures += [Figure(f"{moment}: goodput of capacity", goodput_share(evidence, moment), "%", least, most=False),
                    Figure(f"{moment}: admitted p99", quantile(latencies_ms(requests, of(moment)), 0.99), "ms", 2 * unloaded),
                    Figure(f"{moment}: refused", len(refused), ""), Figure(f"{moment}: refusal p99", quantile(refused, 0.99), "ms", 5)]
    begun, ended = of("after", 0)
    return figures + [Figure("after: recovered to 99 % after", seconds_to_recover(requests, begun, ended), "s", 5)]


# --- a third of the fleet ---------------------------------------------------------------------

def drive_third(run: Run) -> None:
    capacity = measured_capacity(run, min(2.0, run.scale.seconds))
    phases = [(3 * run.scale.seconds, capacity * 0.95 / 2)]
    for k in range(2):
        run.start(timed(f"dealer-{k + 1}", phases))
    run.note("loaded")
    run.wait(run.scale.seconds)
    victims = sorted(run.cluster.engines())
    run.note("a third dies")
    struck = [run.nemesis.begin(Kill("engine"), each) for each in victims[:len(victims) // 3]]
    run.wait(run.scale.seconds)
    run.note("end of a third dies")
    run.nemesis.end(*struck)


def judge_third(evidence: Evidence) -> list[Figure]:
    capacity, what = evidence.measured["capacity"], "a third dies"
    rest = capacity * 2 / 3
    before = evidence.requests.rate(evidence.moments["loaded"] + US, evidence.moments[what])
    return [Figure("capacity", capacity, "requests/s"), Figure("goodput before", before, "requests/s"),
            Figure("goodput of what remains, from 2 s after", 100 * evidence.requests.rate(*window_of(evidence, what, 2)) / rest,
                   "%", 95, most=False)]


CAMPAIGNS = [
    Campaign("overload", "2 and 10 times the capacity, then 0.8 times: goodput stays, refusals are quick, it recovers",
             {"nodes": 1, "engines": 4, "builtins": ["sleep"], "gateway": {"limits": {"queue_target_ms": TARGET_MS}}},
             lambda _: (), drive_overload,
             Scale(3, None, 0), Scale(30, None, 0), judge_overload, SHED),
    # Dead engines stay away for as long as is measured: 26 s less a fifth of jitter.
    Campaign("third-of-fleet", "a third of the engines die at 95 % load: goodput follows what remains",
             {"nodes": 3, "engines": 2, "builtins": ["sleep"], "worker": {"restart": {"base_ms": 26_000, "cap_ms": 26_000}}},
             lambda _: (), drive_third, Scale(4, None, 0), Scale(20, None, 0), judge_third, SHED),
]
