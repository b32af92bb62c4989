"""From bare hosts to a serving fleet, by the collection alone."""
from __future__ import annotations

import time

from tests.lab.lab import Lab
from tests.lab.problem import Problem
from tests.lab.provisioned import Fleet
from tests.lab.scenario import Report, scenario

FLEET = ("gateway-1", "gateway-2", "worker-1", "worker-2", "worker-3", "client-1")


@scenario(*FLEET, fresh=True)
def converge(lab: Lab, report: Report) -> None:
    """Ansible makes a serving fleet of bare hosts, and a second run changes nothing"""
    fleet = Fleet(lab)
    fleet.make_client("client")
    with report.step("check mode tells of changes and makes none"):
        checked = fleet.play("site.yml", check=True)
        assert checked.changed > 0
        assert not any(lab.succeeds(each, "test", "-e", "/opt/coppice") or lab.succeeds(each, "test", "-e", "/etc/coppice")
                       for each in lab.names("gateway") + lab.names("worker"))
    first_run(fleet, report)
    nobody_comes_without_a_key(fleet, report)
    second_run(fleet, report)


def first_run(fleet: Fleet, report: Report) -> None:
    with report.step("the first run makes a fleet that answers a client with a key, through each gateway"):
        began = time.monotonic()
        fleet.play("site.yml")
        endpoints = fleet.endpoints()
        assert len(endpoints) == len(fleet.lab.names("gateway"))
        fleet.predict("client", endpoints[0])
        report.figure("seconds from bare hosts to the first answer", round(time.monotonic() - began, 1))
        for each in endpoints[1:]:
            fleet.predict("client", each)
        assert fleet.serving() == set(fleet.lab.names("worker"))


def nobody_comes_without_a_key(fleet: Fleet, report: Report) -> None:
    with report.step("a client that nobody allowed is refused"):
        fleet.make_client("stranger")
        del fleet.clients["stranger"]
        assert not is_answered(fleet, "stranger")


def is_answered(fleet: Fleet, name: str) -> bool:
    try:
        fleet.predict(name, fleet.endpoints()[0])
    except Problem:
        return False
    return True


def second_run(fleet: Fleet, report: Report) -> None:
    with report.step("the second run changes nothing"):
        again = fleet.play("site.yml")
        report.figure("changes of the second run", again.changed)
        report.figure("seconds of the second run", round(again.seconds, 1))
        assert again.changed == 0, f"{again.changed} changes, see {again.log}"
