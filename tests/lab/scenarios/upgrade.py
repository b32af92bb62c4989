"""Releases come and go under load."""
from __future__ import annotations

import threading

from tests.lab.lab import Lab
from tests.lab.load import Load, judge
from tests.lab.playbook import Played
from tests.lab.provisioned import Fleet, provisioned
from tests.lab.releases import BROKEN, NEXT, Release
from tests.lab.scenario import Report, scenario
from tests.lab.scenarios.converge import FLEET
from tests.lab.waiting import wait_until

SHARE = 0.6
ANSWERS_LIMIT_S = 60


def answers(lab: Lab, load: Load) -> int:
    """That the client has by now."""
    return load.lines("O")


def wait_answers(lab: Lab, load: Load, count: int, limit_s: float = ANSWERS_LIMIT_S) -> None:
    wait_until(lambda: answers(lab, load) >= count, f"{count} answers", limit_s, "see the journals of the hosts")


def kept(lab: Lab, report: Report, load: Load, what: str) -> None:
    load.stop_sending()
    judged = judge(lab, [load])
    report.figure(f"requests {what}", judged.requests)
    report.figure(f"failed, lost, doubled, wrong or late {what}", sum(judged.verdict["breaks"].values()))
    assert judged.kept, judged.told


class Watch:
    """Which releases run side by side, looked at again and again until it ends."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.seen, self.over = fleet, set(), threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        while not self.over.wait(1):
            for part, releases in self.fleet.releases().items():
                self.seen.add((part, frozenset(releases - {""})))

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def mixed(self) -> set[str]:
        """Parts of which two releases ran at one time."""
        return {part for part, releases in self.seen if len(releases) > 1}


def upgraded_under_load(fleet: Fleet, report: Report, release: Release, least: int) -> None:
    """And at least so many requests."""
    lab = fleet.lab
    with report.step(f"an upgrade to {release.version} under {SHARE:.0%} load, release by release side by side, fails no request"):
        archives = fleet.archives(release)  # made before the load begins
        load = fleet.load(SHARE)
        wait_answers(lab, load, 100)
        with Watch(fleet) as watch:
            played = fleet.upgrade(release)
        wait_answers(lab, load, least, limit_s=600)
        kept(lab, report, load, "during the upgrade")
        report.figure("seconds of the upgrade", round(played.seconds, 1))
        assert archives and fleet.releases() == {part: {release.version} for part in ("gateway", "scheduler", "worker")}
        assert watch.mixed() == {"gateway", "scheduler", "worker"}, watch.seen


@scenario(*FLEET)
def upgrade(lab: Lab, report: Report) -> None:
    """a rolling upgrade to a release with other messages, and the way back, fail no request"""
    fleet = provisioned(lab, report)
    upgraded_under_load(fleet, report, NEXT, least=100_000)
    with report.step(f"the way back to {fleet.version} under {SHARE:.0%} load fails no request"):
        load = fleet.load(SHARE, name="load-back")
        wait_answers(lab, load, 100)
        fleet.play("rollback.yml", rollback_to=fleet.version)
        kept(lab, report, load, "during the way back")
        assert fleet.releases() == {part: {fleet.version} for part in ("gateway", "scheduler", "worker")}


@scenario(*FLEET)
def failed_upgrade(lab: Lab, report: Report) -> None:
    """an upgrade whose release fails its self-test goes back on the machine where it fails, and stops"""
    fleet = provisioned(lab, report)
    load = fleet.load(SHARE)
    with report.step(f"the upgrade to {BROKEN.version} stops at the first worker, which is back at {fleet.version}"):
        played = fleet.upgrade(BROKEN, may_fail=True)
        assert played.code != 0 and stopped_at_first_worker(fleet, played), fleet.releases()
        assert fleet.serving() == set(lab.names("worker"))
    with report.step("the rollback of the machines that were done ends it, and no request has failed"):
        fleet.play("rollback.yml", rollback_to=fleet.version)
        assert fleet.releases() == {part: {fleet.version} for part in ("gateway", "scheduler", "worker")}
        kept(lab, report, load, "during the failed upgrade and the rollback")


def stopped_at_first_worker(fleet: Fleet, played: Played) -> bool:
    return fleet.releases() == {"gateway": {BROKEN.version}, "scheduler": {BROKEN.version}, "worker": {fleet.version}} \
        and len(played.hosts("failed")) == 1
