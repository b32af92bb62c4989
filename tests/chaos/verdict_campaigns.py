"""Campaigns about what the cluster thinks of its parts: how soon it knows, whether it is wrong, and what follows when
restarts do not help."""
from __future__ import annotations

from functools import partial
from typing import Callable

from tests.chaos.burn import Burners
from tests.chaos.client_log import now_us
from tests.chaos.cluster import engines_of, process_state, serves
from tests.chaos.detection import detection_ms
from tests.chaos.fault_campaigns import (BUILTINS, FLEET, FOREVER_S, FULL, MACHINES, PATIENT, STEP_MS, counted, hit, known, library_clients,
                                         several_clients, strikes, told)
from tests.chaos.faults import Hang, Kill, nothing
from tests.chaos.figures import Figure, tail
from tests.chaos.load import Client, Kind, sleep
from tests.chaos.load_campaigns import measured_capacity
from tests.chaos.nemesis import Part, Struck
from tests.chaos.run import Campaign, Evidence, Run, Scale
from tests.support.cluster import until

# --- while the processors are busy --------------------------------------------------------------


def beside_busy_loops(drive: Callable[[Run], None], share: float) -> Callable[[Run], None]:
    def driven(run: Run) -> None:
        with Burners(share, run.scale.seconds + 120):
            drive(run)
    return driven


def judge_busy(evidence: Evidence) -> list[Figure]:
    return [*counted(evidence, least_strikes=100),
            *known(evidence, "death of engine, all processors busy,", ("kill engine",), 50, 100, lasting=False),
            *told(evidence, "kill engine"), *hit(evidence, STEP_MS)]


# --- hangs --------------------------------------------------------------------------------------

# Steps that end teach the worker how long such a step takes: then its limit is the least there is.
QUICK = (*FULL, Kind("hang", 4, parameters={"hang": False}))
HANG_BAR_MS = 1200


def judge_hangs(evidence: Evidence) -> list[Figure]:
    times, unknown = detection_ms(evidence.cluster_log, evidence.faults, ("hang",))
    return [*counted(evidence, least_strikes=100), *tail("hang known", times, HANG_BAR_MS, 100 if evidence.full else 0),
            Figure("hang never known", unknown, "", 0, n=len(times) + unknown)]


# --- false alarms -------------------------------------------------------------------------------

LOAD_SHARE = 0.9
TIMED_MS = 8.0
# Their queue is never refused for its length: 90 % of Poisson arrivals have bursts.
UNHURRIED = (sleep(TIMED_MS, timeout_ms=10_000),)


def drive_quietly(run: Run) -> None:
    """Engines and processors are in use for 90 % of the time, and nothing is done to anybody."""
    capacity = measured_capacity(run, 2)
    for k in range(2):
        run.start(Client(f"dealer-{k + 1}", "dealer", ((FOREVER_S, LOAD_SHARE * capacity / 2),), UNHURRIED))
    with Burners(LOAD_SHARE, run.scale.seconds + 60):
        run.note("quiet")
        run.wait(run.scale.seconds)
    run.note("end of quiet")


def judge_quiet(evidence: Evidence) -> list[Figure]:
    minutes = (evidence.moments["end of quiet"] - evidence.moments["quiet"]) / 60e6
    told = ", ".join(f"{count} {what}" for what, count in sorted(evidence.cluster_log.alarms.items()))
    return [*counted(evidence), Figure("minutes without a fault", minutes, "min", 30 if evidence.full else None, most=False),
            Figure("alarms" + (f" ({told})" if told else ""), evidence.cluster_log.alarms.total(), "", 0, n=round(minutes))]


# --- escalation ---------------------------------------------------------------------------------

INTENSITY = 3
MOST_KILLS = 2 * INTENSITY + 2
STRICT = {"intensity": INTENSITY, "period_s": 120, "base_ms": 20, "cap_ms": 100, "probe_s": 600}


def engine_of(run: Run, name: str) -> dict:
    every = (engine for status in run.cluster.statuses() for engine in engines_of(status) if engine["name"] == name)
    return next(every, {"verdict": "", "pid": 0})


def kill_until_given_up(run: Run, name: str) -> int:
    """SIGKILL whenever it is there, until its worker gives it up. @returns how many kills that took."""
    for kills in range(MOST_KILLS):
        until(lambda: serves(engine_of(run, name)) or engine_of(run, name)["verdict"] == "quarantined", f"{name} to be up or given up")
        if engine_of(run, name)["verdict"] == "quarantined":
            return kills
        Kill("engine").aim(run.cluster, name)()
    raise RuntimeError(f"{name} was started again after {MOST_KILLS} kills")


def drive_escalation(run: Run) -> None:
    """One engine of a node until it is given up, its siblings going on; then its sibling: the node's process gives up."""
    for round_ in range(run.scale.strikes or 1):
        node, begun = run.cluster.processes("worker")["node-1"], now_us()
        for place in range(run.campaign.layout["engines"]):
            run.measured[f"round {round_ + 1}: kills until engine-{place} was given up"] = kill_until_given_up(run, f"node-1/engine-{place}")
            if place == 0:
                run.measured[f"round {round_ + 1}: the process went on with one engine"] = float(process_state(node) not in ("", "Z"))
                run.wait(1.0)
        given_up = now_us()
        until(lambda: run.cluster.processes("worker")["node-1"] != node, "a fresh process")
        run.nemesis.end(Struck("escalation", "node-1", begun, nothing))
        run.measured[f"round {round_ + 1}: seconds until a fresh process served"] = (now_us() - given_up) / 1e6
    run.wait(1.0)


def judge_escalation(evidence: Evidence) -> list[Figure]:
    figures = [counted(evidence)[0]]
    for name, value in evidence.measured.items():
        if "kills until" in name:
            figures += [Figure(name, value, "", INTENSITY + 1), Figure(name + ", no sooner", value, "", INTENSITY + 1, most=False)]
        elif "went on" in name:
            figures.append(Figure(name, value, "", 1, most=False))
        else:
            figures.append(Figure(name, value, "s", 10))
    return figures


CAMPAIGNS = [
    Campaign("busy-engine-kills", "SIGKILL of engines while busy loops take all processors", FLEET, partial(several_clients, mix=FULL),
             beside_busy_loops(strikes(Part(Kill("engine")), pause_s=(0.2, 0.6)), 1.0), Scale(30, 6, 500), Scale(300, 120, 1000),
             judge_busy, minutes=2),
    Campaign("hangs", "requests whose step never ends, amid good load", {**MACHINES, "builtins": [*BUILTINS, "hang"]},
             partial(several_clients, mix=QUICK), strikes(Part(Hang()), pause_s=(0.3, 0.8)), Scale(30, 3, 600), Scale(600, 110, 1200),
             judge_hangs, minutes=4),
    Campaign("false-alarms", "90 % load of engines and processors, and no fault: no verdict", FLEET, lambda _: (), drive_quietly,
             Scale(8, None, 0), Scale(1800, None, 0), judge_quiet, minutes=31),
    Campaign("escalation", "restarts that do not help: an engine is given up, then its process, and a fresh one takes over",
             {**FLEET, "worker": {"restart": STRICT}}, partial(library_clients, mix=PATIENT), drive_escalation, Scale(0, 1, 500),
             Scale(0, 5, 2000), judge_escalation, minutes=1),
]
