"""What every change is tested with."""
from __future__ import annotations

from tests.lab.lab import Lab
from tests.lab.provisioned import Fleet
from tests.lab.releases import SAME
from tests.lab.scenario import Report, scenario
from tests.lab.scenarios.converge import FLEET, first_run, second_run
from tests.lab.scenarios.upgrade import upgraded_under_load


@scenario(*FLEET, fresh=True)
def smoke(lab: Lab, report: Report) -> None:
    """the short form: Ansible makes a fleet, a second run changes nothing, a rolling upgrade under load fails no request"""
    fleet = Fleet(lab)
    fleet.make_client("client")
    first_run(fleet, report)
    second_run(fleet, report)
    upgraded_under_load(fleet, report, SAME, least=10_000)
