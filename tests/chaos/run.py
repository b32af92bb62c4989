"""One run of one campaign: cluster, clients, nemesis, then the auditor's verdict and the figures."""
from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator, Optional, Sequence

from tests.chaos.auditor import read_faults
from tests.chaos.client_log import now_us, read_log
from tests.chaos.cluster import Cluster
from tests.chaos.detection import ClusterLog, wall_offset_us
from tests.chaos.faults import SmallDisk
from tests.chaos.figures import Figure, Requests, latency_figures, recovery_figures
from tests.chaos.hosts import HostsCluster
from tests.chaos.load import Client, LoadProcess
from tests.chaos.nemesis import Nemesis
from tests.chaos.relay import Relay
from tests.chaos.sampling import busy_share, processor_ticks
from tests.chaos.scrape import pages


@dataclass(frozen=True)
class Scale:
    """How long, how many strikes at most (None: as many as fit) and how much load a campaign is."""

    seconds: float
    strikes: Optional[int]
    rate: float


@dataclass
class Evidence:
    """What is left of a run."""

    folder: Path
    requests: Requests
    faults: list[dict]
    cluster_log: ClusterLog
    # Moments that the campaign's drive noted, by name, microseconds of the monotonic clock.
    moments: dict[str, int]
    # Values that it measured itself.
    measured: dict[str, float]
    verdict: dict
    told: str
    # Whether it had the full length: only then it has to reach the numbers that a bar asks for.
    full: bool = False
    figures: list[Figure] = field(default_factory=list)

    @property
    def broken(self) -> int:
        return sum(self.verdict["breaks"].values())


@dataclass(frozen=True)
class Campaign:
    """clients: made from the scale. drive: what happens while they send; returns when it is over. judge: the
    campaign's own figures. allowed: error codes that are no broken promise."""

    name: str
    shows: str
    layout: dict
    clients: Callable[[Scale], Sequence[Client]]
    drive: Callable[[Run], None]
    short: Scale
    full: Scale
    judge: Callable[[Evidence], list[Figure]] = lambda _: []
    allowed: frozenset[str] = frozenset()
    # Of the full length, about.
    minutes: float = 1
    # Hosts in network namespaces; a relay before each gateway; a small file system for logs.
    over_hosts: bool = False
    relayed: bool = False
    small_disk: bool = False


class Run:
    def __init__(self, campaign: Campaign, scale: Scale, seed: int, folder: Path) -> None:
        self.campaign, self.scale, self.seed, self.folder = campaign, scale, seed, folder
        self.record = folder / "faults.jsonl"
        self.record.touch()
        self.moments: dict[str, int] = {}
        self.measured: dict[str, float] = {}
        self.loads: list[LoadProcess] = []
        self.processors_busy: Optional[float] = None
        self.pause = threading.Event()

    def note(self, moment: str) -> int:
        self.moments[moment] = now_us()
        return self.moments[moment]

    def stop_loads(self) -> None:
        """They send no more; returns when all that is open has its outcome."""
        for each in self.loads:
            each.stop_sending()
        for each in self.loads:
            each.finish()

    def gateway_pages(self) -> str:
        """The metrics of all gateways."""
        return pages(url for name, url in self.cluster.ready()["metrics"].items() if name.startswith("gateway"))

    def wait(self, seconds: float) -> None:
        """Time for the load to flow: a part of the schedule, not a wait for anything."""
        self.pause.wait(seconds)

    def start(self, client: Client) -> LoadProcess:
        # Each begins at another gateway, so that whichever is struck has clients.
        place = len(self.loads)
        first = place % len(self.endpoints)
        endpoints = self.endpoints[first:] + self.endpoints[:first]
        self.loads.append(LoadProcess(client, self.cluster, endpoints, self.seed * 1000 + place, self.folder))
        return self.loads[-1]

    def execute(self) -> Evidence:
        with contextlib.ExitStack() as stack:
            if self.campaign.small_disk:
                stack.enter_context(SmallDisk(self.folder / "run"))
            kind = HostsCluster if self.campaign.over_hosts else Cluster
            self.cluster = stack.enter_context(kind(self.campaign.layout, self.folder))
            if self.campaign.relayed:
                self.cluster.relays = [Relay(each) for each in self.cluster.endpoints]
                for each in self.cluster.relays:
                    stack.callback(each.close)
            self.endpoints = [each.endpoint for each in getattr(self.cluster, "relays", [])] or self.cluster.endpoints
            self.nemesis = Nemesis(self.cluster, self.record)
            self.offset_us = wall_offset_us()
            self.send_and_drive()
        return self.evidence()

    def send_and_drive(self) -> None:
        try:
            for each in self.campaign.clients(self.scale):
                self.start(each)
            self.wait(0.5)
            self.note("driven")
            ticks = processor_ticks()
            self.campaign.drive(self)
            self.processors_busy = busy_share(ticks, processor_ticks())
            self.note("over")
            self.stop_loads()
        finally:
            for each in self.loads:
                each.kill()

    def evidence(self) -> Evidence:
        logs = [each.log for each in self.loads]
        verdict, told = self.audit(logs)
        faults = read_faults(self.record)
        evidence = Evidence(self.folder, Requests(map(read_log, logs)), faults,
                            ClusterLog(self.folder / "logs", self.offset_us), self.moments, self.measured, verdict, told, self.scale == self.campaign.full)
        defects = Figure("processes ended by a defect of their own (lines)", len(evidence.cluster_log.last_words), "", 0)
        busy = Figure("processors in use", None if self.processors_busy is None else 100 * self.processors_busy, "%")
        evidence.figures = [*self.campaign.judge(evidence), defects, *recovery_figures(faults), *latency_figures(evidence.requests), busy]
        return evidence

    def audit(self, logs: list[Path]) -> tuple[dict, str]:
        """By the auditor's own program, from the clients' logs alone."""
        out = self.folder / "verdict.json"
        done = subprocess.run([sys.executable, "-m", "tests.chaos.auditor", *logs, "--allow", ",".join(self.campaign.allowed),
                               "--faults", self.record, "--json", out], capture_output=True, text=True)
        if not out.exists():
            raise RuntimeError(f"the auditor failed: {done.stderr}")
        return json.loads(out.read_text()), done.stdout


def by_schedule(strikes: Callable[[int], Iterator]) -> Callable[[Run], None]:
    """A drive: the nemesis by that schedule of the seed, then the load goes on for a second."""
    def drive(run: Run) -> None:
        run.nemesis.run(strikes(run.seed), count=run.scale.strikes, seconds=run.scale.seconds)
        run.wait(1.0)
    return drive
