"""Campaigns about the whole fleet: restarts in turn, clients that come back at once, hours of faults, and
clients that harm others."""
from __future__ import annotations

import contextlib
import subprocess
import sys
from functools import partial

from tests.chaos.client_log import now_us
from tests.chaos.cluster import TIRELESS
from tests.chaos.fault_campaigns import BUILTINS, DOUBLE, FLEET, FOREVER_S, FULL, PATIENT, library_clients, several_clients
from tests.chaos.faults import Freeze, Kill, Restart, resident_bytes
from tests.chaos.figures import Figure, quantile
from tests.chaos.load import Client, Kind, sleep
from tests.chaos.load_campaigns import seconds_to_recover
from tests.chaos.nemesis import Part, schedule
from tests.chaos.run import Campaign, Evidence, Run, Scale
from tests.chaos.sampling import Sampler, slope_per_hour
from tests.chaos.scrape import sum_of


# --- rolling restart --------------------------------------------------------------------------

def drive_rolling(run: Run) -> None:
    for role in ("scheduler", "gateway", "worker"):
        for target in Restart(role).targets(run.cluster):
            run.nemesis.end(run.nemesis.begin(Restart(role), target))
            run.wait(1.0)


def judge_rolling(evidence: Evidence) -> list[Figure]:
    failed = sum(count for code, count in evidence.verdict["codes"].items() if code != "ok")
    return [Figure("processes restarted", len(evidence.faults), ""), Figure("requests", evidence.verdict["requests"], ""),
            Figure("failed", failed, "", 0)]


# --- the whole fleet fails --------------------------------------------------------------------

# Starts that leave processors for the others: engines are to fail, not to take all there is.
UNHURRIED = {**TIRELESS, "base_ms": 300, "cap_ms": 600}
NOT_SERVED = frozenset({"unavailable", "worker_lost", "overloaded", "deadline"})


def attempts_by_kind(run: Run) -> dict[str, float]:
    """What gateways have sent to engines: all, and of them those that do not count as amplification."""
    text = run.gateway_pages()
    return {"attempts": sum_of(text, "coppice_gateway_attempts_total"), "refused": sum_of(text, "coppice_gateway_refusals_total"),
            "first retries": sum_of(text, "coppice_gateway_retries_total", budget="free")}


def drive_failing(run: Run) -> None:
    """Every engine is killed as soon as it serves; afterwards they are left alone."""
    before, begun, kills = attempts_by_kind(run), run.note("failing"), 0
    while now_us() - begun < run.scale.seconds * 1e6:
        for name in run.cluster.engines():
            with contextlib.suppress(KeyError):  # it has ended since
                Kill("engine").aim(run.cluster, name)()
                kills += 1
    run.note("end of failing")
    after = attempts_by_kind(run)
    run.measured = {"kills": kills, **{name: after[name] - before[name] for name in after}}
    run.wait(max(6.0, run.scale.seconds / 3))


def judge_failing(evidence: Evidence) -> list[Figure]:
    begun, ended = (evidence.moments[each] for each in ("failing", "end of failing"))
    sent = sum(1 for row in evidence.requests.rows if begun <= row[0] < ended)
    attempts, refused, first = (evidence.measured[each] / max(1, sent) for each in ("attempts", "refused", "first retries"))
    recovered = seconds_to_recover(evidence.requests, ended, evidence.moments["over"])
    return [Figure("engines killed", evidence.measured["kills"], ""),
            Figure("attempts a request, without the first retry after a death", attempts - refused - first, "", 1.1, n=sent),
            Figure("attempts a request, all that ran", attempts - refused, "", n=sent), Figure("recovered to 99 % after", recovered, "s", 5)]


# --- poison -----------------------------------------------------------------------------------

# An empty input: the same content, and so the same fingerprint, from every one of them.
KILLER = (Kind("crash", bytes=0, timeout_ms=10_000),)


def poison_clients(scale: Scale):
    offenders = [Client(f"offender-{k + 1}", "dealer", ((FOREVER_S, 2.0),), KILLER) for k in range(3)]
    return (*several_clients(scale), *offenders)


def drive_for_its_time(run: Run) -> None:
    run.wait(run.scale.seconds)


def judge_poison(evidence: Evidence) -> list[Figure]:
    # One line for each engine that ended, of the embedded scheduler.
    deaths = sum(1 for _, event, _ in evidence.cluster_log.lines if event == "engine_down")
    rows = evidence.requests.rows
    innocent = [row for row in rows if row[5] != "crash"]
    return [Figure("times that the poison was sent", len(rows) - len(innocent), ""), Figure("engines killed by it", deaths, "", 2),
            Figure("innocent requests", len(innocent), ""),
            Figure("innocent requests that failed", sum(1 for row in innocent if row[2] != "ok"), "", 0)]


# --- noisy tenant -----------------------------------------------------------------------------

# Of the time, before the noise begins.
QUIET_SHARE = 0.4
VICTIM_RATE = 50.0
USERS = {name: {"password": name, "tenant": name} for name in ("victim", "noisy")}
QUOTAS = {"noisy": {"requests_per_s": int(VICTIM_RATE)}}
STEP = (sleep(4, timeout_ms=2000),)


def drive_noisy(run: Run) -> None:
    run.wait(run.scale.seconds * QUIET_SHARE)
    run.note("noise")
    run.start(Client("offender-1", "dealer", ((FOREVER_S, 100 * VICTIM_RATE),), STEP, user="noisy"))
    run.wait(run.scale.seconds * (1 - QUIET_SHARE))
    run.note("end of noise")


def judge_noisy(evidence: Evidence) -> list[Figure]:
    begun = evidence.moments["noise"]
    of_victim = [row for row in evidence.requests.rows if row[4] == "victim-1"]
    beside = [row for row in of_victim if row[0] >= begun]
    good = sum(1 for row in beside if row[2] == "ok")
    quiet_ms, loud_ms = ([(row[1] - row[0]) / 1000 for row in of_victim if row[2] == "ok" and (row[0] >= begun) == loud]
                         for loud in (False, True))
    before = quantile(quiet_ms, 0.99)
    return [Figure("victim: success beside the noise", 100 * good / max(1, len(beside)), "%", 99.9, most=False),
            Figure("victim: p99 before", before, "ms"),
            Figure("victim: p99 beside the noise", quantile(loud_ms, 0.99), "ms", 1.2 * (before or 0.0))]


# --- reconnecting herd ------------------------------------------------------------------------

def drive_herd(run: Run) -> None:
    count = int(run.scale.rate)
    herd = subprocess.Popen(run.cluster.command(sys.executable, "-m", "tests.chaos.herd", run.cluster.endpoints[0], count),
                            stdout=subprocess.PIPE, text=True)
    try:
        herd.stdout.readline()  # all are connected
        before = resident_bytes(run.cluster.processes("gateway")["gateway-1"])
        struck = run.nemesis.begin(Kill("gateway"), "gateway-1")
        run.nemesis.end(struck)
        open_again = run.note("door open")
        herd.stdout.readline()
        run.measured["seconds"] = (now_us() - open_again) / 1e6
        after = resident_bytes(run.cluster.processes("gateway")["gateway-1"])
        run.measured["memory"] = after / before
        run.wait(1.0)
    finally:
        herd.kill()
        herd.wait()


def judge_herd(evidence: Evidence) -> list[Figure]:
    return [Figure("all clients connected after", evidence.measured["seconds"], "s", 10),
            Figure("gateway's memory, times that before", evidence.measured["memory"], "", 1.5)]


# --- soak -------------------------------------------------------------------------------------

# Of the time: 40 minutes of 100. What the allocator keeps of what was freed grows for that long, though what is in use does not.
WARM_UP_SHARE = 0.4
# A slope of less time says nothing.
BARS_FROM_S = 600
# A gateway remembers 2,048 requests that were tried again, for `coppice explain`, with what befell them. At the soak's pace that would
# fill up in the course of the hour and look like a leak: so many deaths fill it before.
FIRST_DEATHS = 200


def drive_soak(run: Run) -> None:
    if run.scale.seconds >= BARS_FROM_S:
        run.nemesis.run(schedule(run.seed, (Part(Kill("engine")),), pause_s=(0.05, 0.1)), count=FIRST_DEATHS)
    sampler = Sampler(run.cluster, run.scale.seconds / 200)
    every = min(30.0, run.scale.seconds / 5)
    brief = (0.1, 0.4)
    parts = (Part(Kill("engine"), 4), Part(Freeze("engine"), 1, brief), Part(Kill("worker"), 2), Part(Freeze("worker"), 1, brief))
    run.nemesis.run(schedule(run.seed, parts, pause_s=(every * 0.9, every * 1.1)), seconds=run.scale.seconds)
    sampler.stop()
    sampler.write(run.folder / "samples.csv")
    for name in (*run.cluster.processes("gateway"), *run.cluster.processes("scheduler")):
        samples = sampler.oldest_of(name)
        steady = samples[int(len(samples) * WARM_UP_SHARE):]
        slope = slope_per_hour(steady, "resident")
        if slope is None:
            continue
        run.measured[f"{name}: resident"] = slope / 2**20
        for field in ("descriptors", "threads"):
            values = sorted(getattr(each, field) for each in steady)
            run.measured[f"{name}: {field}, drift"] = slope_per_hour(steady, field)
            run.measured[f"{name}: {field}, median"] = values[len(values) // 2]


def judge_soak(evidence: Evidence) -> list[Figure]:
    long = evidence.moments["over"] - evidence.moments["driven"] >= BARS_FROM_S * 1e6
    bars = {"resident": ("MiB/h", 1), "drift": ("an hour", 1)}
    figures = [Figure("strikes", len(evidence.faults), ""), Figure("requests", evidence.verdict["requests"], "")]
    for name, value in evidence.measured.items():
        unit, bar = bars.get(name.split()[-1], ("", None))
        figures.append(Figure(name, value, unit, bar if long else None))
    return figures


CAMPAIGNS = [
    Campaign("rolling-restart", "every process stopped by SIGTERM and started again, one after another, under load", DOUBLE,
             partial(library_clients, mix=PATIENT), drive_rolling, Scale(0, None, 500), Scale(0, None, 3000), judge_rolling),
    Campaign("fleet-failing", "every engine is killed as soon as it serves: retries do not double the load, and it recovers",
             {**FLEET, "worker": {"restart": UNHURRIED}}, partial(several_clients, mix=FULL), drive_failing, Scale(6, None, 1000),
             Scale(30, None, 1000), judge_failing, NOT_SERVED),
    Campaign("poison", "a request that kills its engine, sent by three clients amid good load",
             {**FLEET, "builtins": [*BUILTINS, "crash"]}, poison_clients, drive_for_its_time, Scale(8, None, 500),
             Scale(60, None, 2000), judge_poison),
    Campaign("noisy-tenant", "a tenant that sends 100 times what another does",
             {"nodes": 1, "engines": 2, "builtins": ["sleep"], "gateway": {"users": USERS, "tenants": QUOTAS}},
             lambda scale: (Client("victim-1", "dealer", ((FOREVER_S, VICTIM_RATE),), STEP, user="victim"),), drive_noisy,
             Scale(6, None, VICTIM_RATE), Scale(60, None, VICTIM_RATE), judge_noisy, frozenset({"quota"})),
    Campaign("reconnect-herd", "thousands of idle clients whose gateway is killed and comes back", {**FLEET, "engines": 1},
             lambda _: library_clients(Scale(0, None, 50), PATIENT), drive_herd, Scale(0, None, 1000), Scale(0, None, 10_000),
             judge_herd),
    Campaign("soak", "hours of faults, one every 30 seconds: nothing grows", DOUBLE,
             lambda scale: several_clients(scale, mix=PATIENT), drive_soak, Scale(20, None, 500), Scale(6000, None, 1000), judge_soak,
             minutes=103),
]
