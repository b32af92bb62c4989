#!/usr/bin/python
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: coppice_desired_state
short_description: Says what the nodes of a Coppice cluster serve
description:
  - Gives nodes what they are to serve as the next revision of the cluster's desired state, and waits until they have converged to it.
  - A node replaces its engines one after the other, each by one that is ready before the old one drains; no request is lost by it.
  - What nodes have already changes nothing, and takes no revision.
  - If a node fails, all get what I(before) says, as another revision, and the module fails.
  - Runs on a gateway's host; from a play over workers, delegate it.
options:
  nodes:
    description: By name, what a node serves.
    type: dict
    required: true
  before:
    description: In the same form, what nodes go back to. Empty leaves them as the failure left them.
    type: dict
    default: {}
  wait:
    description: Seconds to wait until all have converged; as many again to go back.
    type: float
    default: 600
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
- name: Serve the models of a folder on worker-1
  coppice.fleet.coppice_desired_state:
    nodes:
      worker-1: {models: /srv/models-7, serve: [digits], builtins: [echo]}
    before:
      worker-1: {models: /srv/models-6, builtins: [echo]}
  delegate_to: gateway-1
"""

RETURN = r"""
revision:
  description: The revision that nodes have or, in check mode, would get.
  type: int
  returned: always
nodes:
  description: By name, how far a node is.
  type: dict
  returned: when a revision was given
"""

import json
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.coppice.fleet.plugins.module_utils.coppice_program import FAILURE, GOOD, PROGRAM_ARGUMENTS, Coppice


class Desired:
    def __init__(self, module):
        self.module = module
        self.coppice = Coppice(module)

    def ask(self, verb, revision, nodes, *words):
        """Returns exit code, what the program wrote as JSON (none: nothing), and the last line of its errors."""
        handle, file = tempfile.mkstemp(suffix=".yml")
        try:
            with os.fdopen(handle, "w") as out:
                json.dump(dict(revision=revision, nodes=nodes), out)  # JSON is YAML
            code, out, told = self.coppice.ask_operator(verb, file, *words)
        finally:
            os.unlink(file)
        return code, self.coppice.parsed(out) if out.strip() else None, told

    def difference(self, revision):
        code, said, told = self.ask("diff", revision, self.module.params["nodes"])
        if code not in (GOOD, FAILURE) or said is None:
            self.coppice.fail("The difference is not known", told)
        return said

    def refused(self, said):
        return any(each["refusal"] for each in said["nodes"])

    def apply(self, revision, nodes):
        """Returns whether all have converged, how far each is, and why not."""
        code, said, told = self.ask("apply", revision, nodes, "--timeout", self.module.params["wait"])
        far = {each["name"]: each["text"] for each in said["nodes"]} if said else {}
        lacking = [each["name"] + ": " + each["text"] for each in said["nodes"] if each["state"] != "converged"] if said else []
        lacking += [each + " is not in the cluster" for each in said["absent"]] if said else []
        return code == GOOD, far, "; ".join(lacking) or told

    def go_back(self, revision):
        before = self.module.params["before"]
        if not before:
            return "Nodes stay as they are."
        back, _far, why = self.apply(revision, before)
        return "Nodes are back at what they had." if back else "Nodes did not come back: %s." % why

    def run(self):
        present = max([each.get("target_revision", 0) for each in self.coppice.status()["nodes"]] + [1])
        found = self.difference(present)
        revision = present + 1 if self.refused(found) else present
        result = dict(changed=found["differs"], revision=revision)
        result["diff"] = dict(before=dict(nodes=[each["models"]["before"] for each in found["nodes"]]),
                              after=dict(nodes=[each["models"]["after"] for each in found["nodes"]]))
        if found["differs"] and not self.module.check_mode:
            good, result["nodes"], why = self.apply(revision, self.module.params["nodes"])
            if not good:
                self.coppice.fail("Revision %d was not reached" % revision, "%s. %s" % (why, self.go_back(revision + 1)),
                                  nodes=result["nodes"])
        self.module.exit_json(**result)


def main():
    Desired(AnsibleModule(
        argument_spec=dict(
            nodes=dict(type="dict", required=True),
            before=dict(type="dict", default={}),
            wait=dict(type="float", default=600),
            **PROGRAM_ARGUMENTS),
        supports_check_mode=True)).run()


if __name__ == "__main__":
    main()
