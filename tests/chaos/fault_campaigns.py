"""Campaigns in which a nemesis strikes by a schedule while clients send."""
from __future__ import annotations

from functools import partial

from tests.chaos.cluster import TIRELESS
from tests.chaos.detection import detection_ms, told_ms
from tests.chaos.faults import Cut, Freeze, FreezeNode, FullDisk, Kill, Squeeze
from tests.chaos.figures import Figure, tail
from tests.chaos.hostile import HostileClients
from tests.chaos.load import Client, Kind, sleep
from tests.chaos.nemesis import Part, schedule
from tests.chaos.relay import DUPLICATES, HALF_OPEN, slow_link
from tests.chaos.run import Campaign, Evidence, Scale, by_schedule

FOREVER_S = 4 * 3600
BUILTINS = ["echo", "flip", "sleep"]
SMALL = (Kind("flip", 6), Kind("echo", 3), Kind("echo", 0.5, bytes=20_000))
# Timed work is in the mix so that a strike finds steps in progress.
MIX = (*SMALL, sleep(2, 0.5))
# At 3,000 a second four engines are busy for 78 % of the time, and three for more than they have.
STEP_MS = 2
FULL = (*SMALL, sleep(STEP_MS, 10))
FULL_RATE = 3000
# Three of four engines carry it with room: a freeze lasts long.
FREEZE_RATE = 2400
PYTHON_RATE = 100


def client(name: str, via: str, rate: float, mix) -> Client:
    return Client(name, via, ((FOREVER_S, rate),), mix)


def several_clients(scale: Scale, mix=MIX, library_share=0.3):
    """Plain DEALERs, and the libraries of both languages."""
    plain, python = scale.rate * (1 - library_share) / 2, min(PYTHON_RATE, scale.rate / 10)
    return (client("dealer-1", "dealer", plain, mix), client("dealer-2", "dealer", plain, mix),
            client("library-1", "library", scale.rate * library_share - python, mix), client("python-1", "python", python, mix))


def library_clients(scale: Scale, mix=MIX):
    """Those that change the gateway: a plain DEALER cannot."""
    python = min(PYTHON_RATE, scale.rate / 10)
    each = (scale.rate - python) / 2
    return (client("library-1", "library", each, mix), client("library-2", "library", each, mix),
            client("python-1", "python", python, mix))


def counted(evidence: Evidence, least_requests: int = 0, least_strikes: int = 0) -> list[Figure]:
    """What the auditor found, of how many requests, and how often each fault struck."""
    figures = [Figure("requests lost, doubled, wrong, late or failed", evidence.broken, "", 0, n=evidence.verdict["requests"],
                      least_n=least_requests)]
    for kind in sorted({each["fault"] for each in evidence.faults}):
        count = sum(1 for each in evidence.faults if each["fault"] == kind)
        figures.append(Figure(f"{kind}: strikes", count, "", least_strikes if evidence.full and least_strikes else None, most=False))
    return figures


def known(evidence: Evidence, told: str, kinds: tuple[str, ...], bar_ms: float, least_n: int = 0, lasting: bool = True) -> list[Figure]:
    """When the cluster knew of faults of these kinds. lasting: only of those that lasted as long as the bar is."""
    times, unknown = detection_ms(evidence.cluster_log, evidence.faults, kinds, bar_ms if lasting else 0)
    return [*tail(f"{told} known", times, bar_ms, least_n if evidence.full else 0),
            Figure(f"{told} never known", unknown, "", 0, n=len(times) + unknown)]


def told(evidence: Evidence, kind: str) -> list[Figure]:
    """The cluster's own part of a death's becoming known. A worker that is killed says nothing of its engines."""
    times = told_ms(evidence.cluster_log, evidence.faults, kind)
    return tail("of it after the end of the process", times) if times else []


def hit(evidence: Evidence, service_ms: float) -> list[Figure]:
    """What a death costs the requests that it hits: at most 50 ms and one more service time."""
    return tail("extra latency of a hit request", evidence.requests.extra_ms_of_hit([each["at"] for each in evidence.faults]), 50 + service_ms)


def kills(role: str):
    def judge(evidence: Evidence) -> list[Figure]:
        return [*counted(evidence, 200_000 if evidence.full else 0, 500),
                *known(evidence, f"death of {role}", (f"kill {role}",), 10, 100, lasting=False),
                *told(evidence, f"kill {role}"), *hit(evidence, STEP_MS)]
    return judge


def at_least_100(evidence: Evidence) -> list[Figure]:
    return counted(evidence, least_strikes=100)


def judge_freezes(evidence: Evidence) -> list[Figure]:
    """An engine alone that stands still is a hang: its worker judges it by its progress."""
    figures = counted(evidence, least_strikes=100)
    for kind, bar_ms in (("freeze engine", 1200), ("freeze worker", 600), ("freeze node", 600)):
        figures += known(evidence, kind, (kind,), bar_ms, 100)
    return figures


BOTH_WAYS = (Cut("gateway-1"), Cut("scheduler-1"))
ONE_WAY = tuple(Cut(centre, way) for centre in ("gateway-1", "scheduler-1") for way in ("to", "from"))


def judge_partitions(evidence: Evidence) -> list[Figure]:
    figures = counted(evidence)
    for told, cuts, bar_ms in (("partition", BOTH_WAYS, 600), ("one-way partition", ONE_WAY, 900)):
        figures += known(evidence, told, tuple(each.name for each in cuts), bar_ms, 100)
        for each in cuts:
            figures += known(evidence, each.name, (each.name,), bar_ms)
    return figures


def strikes(*parts: Part, pause_s=(0.05, 0.3)):
    return by_schedule(partial(schedule, parts=parts, pause_s=pause_s))


FLEET = {"nodes": 2, "engines": 2, "builtins": BUILTINS, "worker": {"restart": TIRELESS}, "restart_cap_ms": 200}
# One engine each: a machine's death leaves three quarters, as an engine's does.
MACHINES = {**FLEET, "nodes": 4, "engines": 1}
DOUBLE = {**FLEET, "gateways": 2, "schedulers": 2}


def patient(mix):
    """Kept by a library only after it has taken its gateway for gone."""
    return tuple(Kind(each.model, each.weight, each.bytes, 15_000, parameters=each.parameters) for each in mix)


PATIENT = patient(MIX)

CAMPAIGNS = [
    Campaign("engine-kills", "SIGKILL of engines at full load: nothing lost, doubled or late", FLEET,
             partial(several_clients, mix=FULL), strikes(Part(Kill("engine"))), Scale(30, 12, 1500), Scale(1200, 500, FULL_RATE),
             kills("engine"), minutes=4),
    Campaign("worker-kills", "SIGKILL of worker processes at full load: their engines die with them", MACHINES,
             partial(several_clients, mix=FULL), strikes(Part(Kill("worker"))), Scale(30, 4, 1000), Scale(1200, 500, FULL_RATE),
             kills("worker"), minutes=5),
    Campaign("gateway-kills", "SIGKILL of gateways: the client library goes on at the next one", DOUBLE,
             partial(library_clients, mix=PATIENT), strikes(Part(Kill("gateway")), pause_s=(0.1, 1)),
             Scale(30, 3, 1000), Scale(600, 110, 3000), at_least_100, minutes=2),
    Campaign("scheduler-kills", "SIGKILL of schedulers: what runs goes on, the next one places", DOUBLE, several_clients,
             strikes(Part(Kill("scheduler")), pause_s=(0.1, 0.6)), Scale(30, 4, 2000), Scale(600, 110, 3000),
             at_least_100, minutes=2),
    Campaign("freezes", "SIGSTOP, then SIGCONT, of engines, workers and whole nodes", MACHINES,
             partial(several_clients, mix=FULL),
             strikes(*(Part(fault, 1, (0.05, 0.5)) for fault in (Freeze("engine"), Freeze("worker"), FreezeNode())),
                     Part(Freeze("engine"), 5, (1.25, 1.5)), Part(Freeze("worker"), 5, (0.65, 1.5)),
                     Part(FreezeNode(), 5, (0.65, 1.5)), pause_s=(0.1, 0.4)),
             Scale(60, 9, 1000), Scale(1200, 380, FREEZE_RATE), judge_freezes, minutes=10),
    Campaign("front-freezes", "SIGSTOP, then SIGCONT, of gateways and schedulers", DOUBLE, partial(library_clients, mix=PATIENT),
             strikes(Part(Freeze("gateway"), 1, (0.1, 3)), Part(Freeze("scheduler"), 1, (0.05, 1)), pause_s=(0.1, 0.6)),
             Scale(45, 4, 1000), Scale(900, 220, 3000), at_least_100, minutes=6),
    Campaign("partitions", "packets between two hosts vanish, both ways or one way", {"builtins": BUILTINS},
             partial(several_clients, mix=FULL),
             strikes(*(Part(each, 2, (0.65, 1.5)) for each in BOTH_WAYS), *(Part(each, 1, (0.95, 1.8)) for each in ONE_WAY),
                     pause_s=(0.2, 1)),
             Scale(90, 6, 800), Scale(1500, 210, 2000), judge_partitions, over_hosts=True, minutes=15),
    Campaign("slow-links", "links between clients and gateway that delay, deliver twice, or stand still half open", DOUBLE,
             partial(library_clients, mix=PATIENT),
             strikes(*(Part(each, 1, (0.5, 3)) for each in (slow_link(0.05), slow_link(0.2), HALF_OPEN, DUPLICATES)), pause_s=(0.2, 1)),
             Scale(30, 4, 500), Scale(600, 80, 1000), counted, relayed=True,
             minutes=3),
    Campaign("squeezes", "engines and workers that get no more memory, and a full disk for logs", FLEET, several_clients,
             strikes(Part(Squeeze("engine"), 2, (0.5, 2)), Part(Squeeze("worker"), 1, (0.5, 2)), Part(FullDisk(), 1, (0.5, 2)),
                     pause_s=(0.2, 1)),
             Scale(30, 4, 1000), Scale(600, 60, 2000), counted, small_disk=True, minutes=3),
    Campaign("hostile-clients", "garbage, false claims, silent and unread connections beside the load", FLEET,
             several_clients, strikes(Part(HostileClients(), 1, (2, 5)), pause_s=(0.5, 1)),
             Scale(15, 2, 1000), Scale(180, 30, 2000), counted, minutes=3),
]
