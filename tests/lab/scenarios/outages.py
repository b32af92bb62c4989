"""Machines lose their power or their network under load."""
from __future__ import annotations

import random
from typing import Callable

from tests.chaos.client_log import read_log
from tests.chaos.figures import BIN_US, Requests
from tests.lab.lab import Lab
from tests.lab.load import Load
from tests.lab.provisioned import Fleet, provisioned
from tests.lab.scenario import Report, scenario
from tests.lab.scenarios.converge import FLEET
from tests.lab.scenarios.upgrade import kept, wait_answers
from tests.lab.waiting import wait_until

SHARE = 0.5
# Goodput is back when it is so much of what is sent, in every window of that length from then on.
BACK_SHARE, WINDOW = 0.9, 5
BACK_LIMIT_S = 1
WHOLE_LIMIT_S = 120
ORDERS = 3


def is_whole(fleet: Fleet) -> bool:
    return fleet.serving() == set(fleet.lab.names("worker"))


def struck(fleet: Fleet, report: Report, what: str, strike: Callable[[], None], mend: Callable[[], None]) -> Load:
    """One fault under load, until the fleet is whole again."""
    lab = fleet.lab
    with report.step(f"{what}: no request fails, and the fleet is whole again afterwards"):
        load = fleet.load(SHARE, name="load-" + what.replace(" ", "-"))
        wait_answers(lab, load, 1000)
        strike()
        before = wait_sent(lab, load, 2000)
        mend()
        wait_until(lambda: is_whole(fleet), "all workers to serve", WHOLE_LIMIT_S)
        wait_answers(lab, load, before + 1000)
        kept(lab, report, load, f"({what})")
    return load


def wait_sent(lab: Lab, load: Load, more: int) -> int:
    """Until it has sent so many more. @returns how many it has sent."""
    first = load.lines("S")
    return wait_until(lambda: (now := load.lines("S")) >= first + more and now, f"{more} requests more", 120)


def back_after_s(load: Load, at_us: int) -> float:
    """From the fault to the moment from which on goodput was what was sent, in steps of a tenth of a second."""
    start, sent, good = Requests([read_log(load.log)]).per_bin()
    first = (at_us - start) // BIN_US
    last = len(sent) - 2 * WINDOW
    bad = [each for each in range(first, last) if sum(good[each:each + WINDOW]) < BACK_SHARE * sum(sent[each:each + WINDOW])]
    return (bad[-1] + 1 - first) * BIN_US / 1e6 if bad else 0.0


def power_cut(fleet: Fleet, report: Report, host: str) -> None:
    lab, at = fleet.lab, {}

    def strike() -> None:
        lab.faults.power_off(host)
        at["us"] = lab.faults.begun["power off", host]

    load = struck(fleet, report, f"power off of {host}", strike, lambda: lab.faults.power_on(host))
    back = back_after_s(load, at["us"])
    report.figure(f"seconds until goodput was back after the power cut of {host}", back)
    assert back <= BACK_LIMIT_S, f"goodput was back after {back} s"


@scenario(*FLEET)
def power(lab: Lab, report: Report) -> None:
    """a worker host, then a gateway host, loses its power under load; nothing is lost, and goodput is back within a second"""
    fleet = provisioned(lab, report)
    for each in ("worker-2", "gateway-2"):
        power_cut(fleet, report, each)


@scenario(*FLEET)
def partition(lab: Lab, report: Report) -> None:
    """a worker host is cut off both ways, then each way alone, under load, and no request fails"""
    fleet = provisioned(lab, report)
    struck(fleet, report, "both ways cut", lambda: lab.faults.cut("worker-1"), lambda: lab.faults.heal("worker-1"))
    for way in ("from", "to"):
        struck(fleet, report, f"cut {way} the worker", lambda: lab.faults.cut_one_way("worker-1", way), lambda: lab.faults.heal("worker-1"))


@scenario(*FLEET)
def cold_start(lab: Lab, report: Report) -> None:
    """the fleet's five machines are switched on in any order, and serve by what Ansible has left on them"""
    fleet = provisioned(lab, report)
    machines, draw = lab.names("gateway") + lab.names("worker"), random.Random(1)
    for _ in range(ORDERS):
        order = draw.sample(machines, len(machines))
        with report.step(f"switched on in the order {', '.join(order)}, they serve"):
            for each in machines:
                lab.faults.power_off(each)
            for each in order:
                lab.faults.power_on(each)
            wait_until(lambda: is_whole(fleet), "all workers to serve", WHOLE_LIMIT_S)
            for each in fleet.endpoints():
                fleet.predict("client", each)
