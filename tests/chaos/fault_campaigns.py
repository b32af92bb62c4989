"""Campaigns in which a nemesis strikes by a schedule while clients send."""
from __future__ import annotations

from functools import partial

from tests.chaos.cluster import TIRELESS
from tests.chaos.detection import GATEWAY_EVENTS, SCHEDULER_EVENTS
from tests.chaos.faults import Cut, Freeze, FullDisk, Kill, Squeeze
from tests.chaos.figures import Figure, quantile
from tests.chaos.hostile import HostileClients
from tests.chaos.load import Client, Kind
from tests.chaos.nemesis import schedule
from tests.chaos.relay import HalfOpen, SlowLink
from tests.chaos.run import Campaign, Evidence, Scale, by_schedule

FOREVER_S = 4 * 3600
BUILTINS = ["echo", "flip", "sleep"]
# Timed work is in the mix so that a strike finds steps in progress.
MIX = (Kind("flip", 6), Kind("echo", 3), Kind("echo", 0.5, bytes=20_000), Kind("sleep", 0.5, sleep_ms=2))
PYTHON_RATE = 100


def several_clients(scale: Scale, mix=MIX, library_share=0.3):
    """Plain DEALERs, and the libraries of both languages."""
    def client(name: str, via: str, rate: float) -> Client:
        return Client(name, via, ((FOREVER_S, rate),), mix)
    plain = scale.rate * (1 - library_share) / 2
    return (client("dealer-1", "dealer", plain), client("dealer-2", "dealer", plain),
            client("library-1", "library", scale.rate * library_share),
            client("python-1", "python", min(PYTHON_RATE, scale.rate / 10)))


def library_clients(scale: Scale, mix=MIX):
    """Those that change the gateway: a plain DEALER cannot."""
    def client(name: str, via: str, rate: float) -> Client:
        return Client(name, via, ((FOREVER_S, rate),), mix)
    return (client("library-1", "library", scale.rate / 2), client("library-2", "library", scale.rate / 2),
            client("python-1", "python", min(PYTHON_RATE, scale.rate / 10)))


def detection(roles: tuple[str, ...], bar_ms: float, events=GATEWAY_EVENTS + SCHEDULER_EVENTS):
    def judge(evidence: Evidence) -> list[Figure]:
        known = evidence.cluster_log.detection_ms(evidence.faults, roles, events)
        extra = evidence.requests.extra_ms_of_hit()
        return [Figure("strikes", len(evidence.faults), ""), Figure("requests", evidence.verdict["requests"], ""),
                Figure("fault known: seen", len(known), "times"), Figure("fault known p50", quantile(known, 0.5), "ms"),
                Figure("fault known p99", quantile(known, 0.99), "ms", bar_ms),
                Figure("requests hit", len(extra), ""), Figure("extra latency of a hit request p50", quantile(extra, 0.5), "ms"),
                Figure("extra latency of a hit request p99", quantile(extra, 0.99), "ms", 50)]
    return judge


def counted(evidence: Evidence) -> list[Figure]:
    return [Figure("strikes", len(evidence.faults), ""), Figure("requests", evidence.verdict["requests"], "")]


def strikes(*mix, pause_s=(0.05, 0.3), lasting_s=(0.0, 0.0)):
    return by_schedule(partial(schedule, mix=mix, pause_s=pause_s, lasting_s=lasting_s))


FLEET = {"nodes": 2, "engines": 2, "builtins": BUILTINS, "worker": {"restart": TIRELESS}}
DOUBLE = {**FLEET, "gateways": 2, "schedulers": 2}
# Kept by a library only after it has taken its gateway for gone.
PATIENT = tuple(Kind(each.model, each.weight, each.bytes, 15_000, each.sleep_ms) for each in MIX)

CAMPAIGNS = [
    Campaign("engine-kills", "SIGKILL of engines under load: nothing lost, doubled or late", FLEET, several_clients,
             strikes((Kill("engine"), 1)), Scale(30, 12, 2000), Scale(1200, 500, 5000),
             detection(("engine",), 50)),
    Campaign("worker-kills", "SIGKILL of worker processes: their engines die with them", FLEET, several_clients,
             strikes((Kill("worker"), 1)), Scale(30, 4, 2000), Scale(3600, 500, 5000), detection(("worker",), 50)),
    Campaign("gateway-kills", "SIGKILL of gateways: the client library goes on at the next one", DOUBLE,
             partial(library_clients, mix=PATIENT), strikes((Kill("gateway"), 1), pause_s=(0.5, 4)),
             Scale(30, 3, 1000), Scale(3600, 100, 3000), counted, needs=("resubmission at a gateway's death",)),
    Campaign("scheduler-kills", "SIGKILL of schedulers: what runs goes on, the next one places", DOUBLE, several_clients,
             strikes((Kill("scheduler"), 1), pause_s=(0.2, 1)), Scale(30, 4, 2000), Scale(3600, 100, 3000),
             detection(("scheduler",), 50)),
    Campaign("freezes", "SIGSTOP, then SIGCONT, of any process", DOUBLE, partial(library_clients, mix=PATIENT),
             strikes((Freeze("engine"), 3), (Freeze("worker"), 3), (Freeze("scheduler"), 2), (Freeze("gateway"), 2),
                     pause_s=(0.5, 2), lasting_s=(0.2, 4)),
             Scale(45, 4, 1000), Scale(3600, 200, 3000),
             detection(("engine", "worker"), 600), needs=("hangs known by progress", "resubmission at a gateway's death")),
    Campaign("partitions", "packets between two hosts vanish, both ways or one way", {"builtins": BUILTINS},
             several_clients, strikes((Cut(), 1), (Cut(one_way=True), 1), pause_s=(0.5, 2), lasting_s=(0.3, 5)),
             Scale(45, 4, 1000), Scale(3600, 200, 2000), counted, over_hosts=True,
             needs=("silence of a link known within a second",)),
    Campaign("slow-links", "links between clients and gateway that delay, or stand still half open", DOUBLE,
             partial(library_clients, mix=PATIENT), strikes((SlowLink(0.05), 1), (SlowLink(0.2), 1), (HalfOpen(0.0), 1),
                                                            pause_s=(0.2, 1), lasting_s=(0.5, 4)),
             Scale(30, 3, 500), Scale(1800, 100, 1000), counted, relayed=True,
             needs=("resubmission at a gateway's death",)),
    Campaign("squeezes", "engines and workers that get no more memory, and a full disk for logs", FLEET, several_clients,
             strikes((Squeeze("engine"), 2), (Squeeze("worker"), 1), (FullDisk(), 1), pause_s=(0.2, 1), lasting_s=(0.5, 2)),
             Scale(30, 4, 1000), Scale(1800, 100, 2000), counted, small_disk=True),
    Campaign("hostile-clients", "garbage, false claims, silent and unread connections beside the load", FLEET,
             several_clients, strikes((HostileClients(), 1), pause_s=(0.5, 1), lasting_s=(2, 5)),
             Scale(15, 2, 1000), Scale(600, 60, 2000), counted),
]
