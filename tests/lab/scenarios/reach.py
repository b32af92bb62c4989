"""Ansible from the control side."""
from __future__ import annotations

from tests.lab.lab import Lab
from tests.lab.places import REPOSITORY
from tests.lab.scenario import Report, scenario

PLAYBOOK = REPOSITORY / "tests/lab/playbooks/reach.yml"


@scenario("gateway-1", "worker-1", "client-1")
def reach(lab: Lab, report: Report) -> None:
    """Ansible reaches every host by the inventory; a second run changes nothing; a host without power is unreachable"""
    said = {"extra_vars": {"said": "by the scenario reach"}}
    with report.step("check mode tells the change of every host and makes none"):
        assert set(lab.ansible.play(PLAYBOOK, check=True, **said).hosts("changed")) == set(lab.machines)
        assert not any(lab.succeeds(each, "test", "-e", "/etc/lab-reached") for each in lab.machines)
    with report.step("the first run changes every host"):
        played = lab.ansible.play(PLAYBOOK, **said)
        assert set(played.hosts("changed")) == set(lab.machines)
        assert lab.run("worker-1", "cat", "/etc/lab-reached") == "by the scenario reach\n"
        report.figure("seconds of the first run", round(played.seconds, 1))
    with report.step("the second run changes nothing"):
        played = lab.ansible.play(PLAYBOOK, **said)
        assert played.changed == 0 and set(played.recap) == set(lab.machines)
    with report.step("a host without power is unreachable, and the others are reached"):
        lab.faults.power_off("worker-1")
        played = lab.ansible.play(PLAYBOOK, may_fail=True, **said)
        assert played.hosts("unreachable") == ["worker-1"] and set(played.hosts("ok")) == set(lab.machines) - {"worker-1"}
        lab.faults.power_on("worker-1")
    for each in lab.machines:
        lab.run(each, "rm", "-f", "/etc/lab-reached")
