#!/usr/bin/python
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: coppice_node
short_description: Takes a node of a Coppice cluster out of service, or back into it
description:
  - Orders the drain of a node, or takes it back, through the operator door of a gateway, and waits until it is done.
  - Runs on a gateway's host; from a play over workers, delegate it.
  - A drained node gets no new work, and what ran there has ended; no request is lost by it.
options:
  name:
    description: The node's name, as C(coppice status) shows it.
    type: str
    required: true
  state:
    description:
      - C(drained) means that nothing is placed on the node and nothing runs there.
      - C(serving) means that the cluster places work on it, and that none of its engines has been given up.
    type: str
    choices: [drained, serving]
    required: true
  wait:
    description: Seconds to wait for the state.
    type: float
    default: 60
  absent:
    description:
      - What a node means that no scheduler knows, when it is to be drained.
      - With C(accept) it counts as drained, since nothing runs there.
    type: str
    choices: [fail, accept]
    default: fail
  program:
    description: The C(coppice) program.
    type: path
    default: /opt/coppice/current/bin/coppice
  operator:
    description: The gateway's operator door.
    type: str
    default: ipc:///run/coppice/operator.sock
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author: Coppice
"""

EXAMPLES = r"""
- name: Take the node out of service
  coppice.fleet.coppice_node:
    name: worker-1
    state: drained
    wait: 300
  delegate_to: gateway-1
"""

RETURN = r"""
state:
  description: C(serving), C(draining), C(drained) or C(absent), in check mode as it would be.
  type: str
  returned: always
waiting_for:
  description: What a drain waited for at last.
  type: list
  elements: str
  returned: when the state was ordered
engines:
  description: The node's engines with their verdicts.
  type: dict
  returned: when the node is to serve
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.coppice.fleet.plugins.module_utils.coppice_program import (
    GOOD, PROGRAM_ARGUMENTS, Coppice, engines_of, node_of, poll)

FIT = ("up", "probation")
# A worker that gave an engine up, or a cluster that does not trust it, will not change its mind by waiting a little.
GIVEN_UP = ("quarantined",)


def state_of(node):
    """Of what the cluster says, which of the four states a node is in."""
    if node is None:
        return "absent"
    if node["verdict"] != "draining":
        return "serving"
    return "draining" if any(engine["in_flight"] for engine in engines_of(node)) else "drained"


class Order:
    def __init__(self, module):
        self.module = module
        self.coppice = Coppice(module)
        self.name, self.wanted = module.params["name"], module.params["state"]

    def node(self):
        return node_of(self.coppice.status(), self.name)

    def fail(self, problem, cause, **more):
        self.coppice.fail("%s %s" % (self.name, problem), cause, **more)

    def first_look(self):
        """A worker that has just been started may need a moment until schedulers know it."""
        node = self.node()
        if node is None and self.wanted == "serving" and not self.module.check_mode:
            for _each in poll(self.module.params["wait"]):
                node = self.node()
                if node is not None:
                    break
        if node is None and not (self.wanted == "drained" and self.module.params["absent"] == "accept"):
            self.fail("cannot be %s" % self.wanted, "no scheduler knows it; is its worker running?")
        return node

    def refuse_if_given_up(self, node):
        lost = [each for each in engines_of(node) if each["verdict"] in GIVEN_UP]
        if lost:
            self.fail("stays out of service", "; ".join(
                "%s is %s (%s)" % (each["name"], each["verdict"], each["last_reason"] or each["verdict_reason"]) for each in lost))

    def give(self):
        """Orders the state, which waits for it. Returns what the cluster said of it."""
        verb = "drain" if self.wanted == "drained" else "undrain"
        code, out, told = self.coppice.ask_operator(verb, self.name, "--wait", self.module.params["wait"])
        if code == GOOD:
            return self.coppice.parsed(out)
        said = self.coppice.parsed(out) if out.strip() else {}
        waits = said.get("waiting_for", [])
        self.fail("is not %s" % self.wanted, "it waits for " + "; ".join(waits) if waits else told,
                  state=said.get("state"), waiting_for=waits)

    def wait_for_engines(self):
        """Engines whose models still load, or that the cluster has not judged yet, take a moment. Returns their verdicts."""
        verdicts = {}
        for _each in poll(self.module.params["wait"]):
            node = self.node()
            verdicts = {each["name"]: each["verdict"] for each in engines_of(node)} if node else {}
            if verdicts and all(each in FIT for each in verdicts.values()):
                return verdicts
        self.fail("does not serve in full", ", ".join("%s is %s" % each for each in sorted(verdicts.items())) or "it has no engine",
                  engines=verdicts)

    def run(self):
        node = self.first_look()
        before = state_of(node)
        result = dict(changed=before != self.wanted and before != "absent", state=self.wanted)
        result["diff"] = dict(before={"state": before}, after={"state": self.wanted if node else before})
        if node is None:
            result["state"] = before
        elif not self.module.check_mode:
            result.update(self.carry_out(node))
        self.module.exit_json(**result)

    def carry_out(self, node):
        if self.wanted == "serving":
            self.refuse_if_given_up(node)
        said = self.give()
        result = dict(state=said["state"], waiting_for=said["waiting_for"])
        if self.wanted == "serving":
            result["engines"] = self.wait_for_engines()
        return result


def main():
    Order(AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            state=dict(type="str", required=True, choices=["drained", "serving"]),
            wait=dict(type="float", default=60),
            absent=dict(type="str", default="fail", choices=["fail", "accept"]),
            **PROGRAM_ARGUMENTS),
        supports_check_mode=True)).run()


if __name__ == "__main__":
    main()
