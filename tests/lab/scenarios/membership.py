"""Workers come and go under load."""
from __future__ import annotations

from tests.lab.lab import Lab
from tests.lab.provisioned import provisioned
from tests.lab.scenario import Report, scenario
from tests.lab.scenarios.converge import FLEET
from tests.lab.scenarios.upgrade import kept, wait_answers

SHARE = 0.5
WORKER = "worker-3"


@scenario(*FLEET)
def membership(lab: Lab, report: Report) -> None:
    """a worker is taken out of the fleet for good, and a new one is added, under load, and no request fails"""
    fleet = provisioned(lab, report)
    others = set(lab.names("worker")) - {WORKER}
    load = fleet.load(SHARE)
    wait_answers(lab, load, 100)
    with report.step("a worker is removed"):
        fleet.play("remove_node.yml", node=WORKER, remove_node_purge=True)
        assert fleet.serving() == others and not lab.succeeds(WORKER, "test", "-e", "/opt/coppice")
    with report.step("a machine with an empty disk is added in its place"):
        lab.reinstall(WORKER)
        fleet.play("add_node.yml", node=WORKER)
        assert fleet.serving() == others | {WORKER}
    with report.step("no request has failed"):
        kept(lab, report, load, "while a worker went and another came")
