#!/usr/bin/python
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: coppice_self_test
short_description: Sends inferences through a gateway and sees who answers
description:
  - Sends each of the given requests through a gateway's door, as a client with a key of its own, and checks the outputs.
  - With a node's name, sends them again until an engine of that node has answered each of them. Gateways go on with the engines that
    they know as long as these have room, so short bursts of requests, larger ones each time, are to fill them. A cluster that has
    room elsewhere even then gives the node no work, which is told, and is no failure unless it is said to be one.
  - What the cluster refuses for want of room or of engines is sent again until the time is over; any other failure ends the test.
  - Runs on the gateway's host, whose operator door tells which engine answered.
options:
  requests:
    description: What is sent.
    type: list
    elements: dict
    required: true
    suboptions:
      model:
        description: The model.
        type: str
        required: true
      inputs:
        description: Inputs as C(coppice predict) takes them, for example C(x=[1,2,3]).
        type: list
        elements: str
        default: []
      outputs:
        description: What has to be answered, by the outputs' names. By default any success will do.
        type: dict
  node:
    description: The node whose engines have to answer. By default any may.
    type: str
  endpoint:
    description: The gateway's door, C(tcp://host:port).
    type: str
    required: true
  gateway_key:
    description: The gateway's public key.
    type: str
  key_file:
    description: The file of the key pair that this client shows.
    type: path
  burst:
    description: How many requests at once the largest burst has. 0 sends none.
    type: int
    default: 256
  required:
    description: Whether it is a failure if the node was given no work.
    type: bool
    default: false
  wait:
    description: Seconds to try for, all requests together.
    type: float
    default: 60
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
    details: Sends nothing in check mode.
author: Coppice
"""

EXAMPLES = r"""
- name: See that worker-1 answers again
  coppice.fleet.coppice_self_test:
    node: worker-1
    endpoint: tcp://10.0.0.11:5555
    gateway_key: "{{ gateway_public_key }}"
    key_file: /etc/coppice/keys/self_test.key
    requests:
      - {model: echo, inputs: ["x=[1,2,3]"], outputs: {x: [1, 2, 3]}}
  delegate_to: gateway-1
"""

RETURN = r"""
answered_by:
  description: For each model the engine that answered it at last.
  type: dict
  returned: always
not_answered_by_node:
  description: The models for which the node was given no work.
  type: list
  elements: str
  returned: always
sent:
  description: How many requests were sent.
  type: int
  returned: always
"""

import subprocess
import uuid

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.coppice.fleet.plugins.module_utils.coppice_program import (
    GOOD, PROGRAM_ARGUMENTS, REFUSED, UNREACHABLE, Coppice, poll)

# Codes of docs/protocol.md that say nothing against a node.
PASSING = ("overloaded", "unavailable", "quota")
# In a large fleet it takes many requests until one comes to the node.
PAUSE_S = 0.02
# So many that went elsewhere call for a burst; of the first, so many at once.
PATIENCE = 5
FIRST_BURST = 4
BURST_S = 0.5


class Bursts:
    """Requests by the program's own bench, in the background: twice as many at once each time, up to a limit."""

    def __init__(self, command, limit):
        self.command, self.limit, self.size = command, limit, FIRST_BURST
        self.process = None

    def keep_on(self):
        """Begins one unless one is going on. Returns whether any is, or was possible."""
        if self.process and self.process.poll() is None:
            return True
        if self.size > self.limit:
            return False
        words = self.command + ["--concurrency", str(self.size), "--duration", str(BURST_S), "--warm-up", "0", "--json"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.size *= 2
        return True

    def end(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


class Tester:
    def __init__(self, module):
        self.module = module
        self.coppice = Coppice(module)
        self.node = module.params["node"]
        self.sent = 0

    def fail(self, request, cause):
        self.module.fail_json(msg="The self-test of %s failed: %s." % (request["model"], cause.rstrip(".")), sent=self.sent)

    def door(self):
        key = self.module.params["gateway_key"]
        words = ["--endpoint", self.module.params["endpoint"] + ("?key=" + key if key else "")]
        if self.module.params["key_file"]:
            words += ["--key-file", self.module.params["key_file"]]
        return words

    def send(self, request):
        """Returns the request's key and its answer, or None and the reason for which it may be sent again."""
        self.sent += 1
        key = "self-test-%s" % uuid.uuid4()
        words = ["predict", request["model"]] + [word for each in request["inputs"] for word in ("--input", each)]
        code, out, told = self.coppice.run(*(words + self.door() + ["--key", key, "--json"]))
        if code == GOOD:
            return key, self.coppice.parsed(out)
        if code == UNREACHABLE or (code == REFUSED and any(each in told for each in PASSING)):
            return None, told
        return self.fail(request, told)

    def check(self, request, answer):
        outputs = {each["name"]: each["data"] for each in answer["outputs"]}
        for name, wanted in (request["outputs"] or {}).items():
            if outputs.get(name) != wanted:
                self.fail(request, "%s was answered as %s, not as %s" % (name, outputs.get(name), wanted))

    def engine_of(self, request, key):
        """The engine that answered last: `node/engine (incarnation)`, without its incarnation."""
        code, out, told = self.coppice.ask_operator("explain", key)
        if code != GOOD:
            self.fail(request, "its gateway does not tell who answered it: " + told)
        places = [hop["where"] for hop in self.coppice.parsed(out)["hops"] if hop["where"]]
        return places[-1].split(" ")[0] if places else ""

    def is_of_node(self, engine):
        return not self.node or engine.split("/")[0] == self.node

    def test(self, request, rounds, bursts):
        """Returns the engine that answered last: the node's, unless others have room for all that is sent."""
        seen, refused, elsewhere = [], "", 0
        for _each in rounds:
            key, answer = self.send(request)
            if key is None:
                refused = answer
                continue
            self.check(request, answer)
            seen.append(self.engine_of(request, key))
            if self.is_of_node(seen[-1]):
                return seen[-1]
            elsewhere += 1
            if elsewhere >= PATIENCE and not bursts.keep_on() and not self.module.params["required"]:
                break
        if seen and not self.module.params["required"]:
            return seen[-1]
        return self.fail(request, self.nothing_heard(set(seen), refused))

    def nothing_heard(self, others, refused):
        text = "%s answered none within %s s" % (self.node or "the cluster", self.module.params["wait"])
        text += "; answered by " + ", ".join(sorted(others)) if others else ""
        return text + ("; refused: " + refused if refused else "")

    def test_all(self):
        rounds = poll(self.module.params["wait"], PAUSE_S)
        answered = {}
        for request in self.module.params["requests"]:
            bursts = Bursts([self.coppice.program, "bench", request["model"]] + self.door(), self.module.params["burst"])
            try:
                answered[request["model"]] = self.test(request, rounds, bursts)
            finally:
                bursts.end()
        return answered

    def run(self):
        answered = {} if self.module.check_mode else self.test_all()
        missed = [model for model, engine in answered.items() if not self.is_of_node(engine)]
        if missed:
            self.module.warn("%s was given no work by the self-test of %s; others had room for all of it." % (self.node, ", ".join(missed)))
        self.module.exit_json(changed=False, answered_by=answered, not_answered_by_node=missed, sent=self.sent)


def main():
    Tester(AnsibleModule(
        argument_spec=dict(
            requests=dict(type="list", elements="dict", required=True, options=dict(
                model=dict(type="str", required=True),
                inputs=dict(type="list", elements="str", default=[]),
                outputs=dict(type="dict"))),
            node=dict(type="str"),
            endpoint=dict(type="str", required=True),
            gateway_key=dict(type="str", no_log=False),
            key_file=dict(type="path"),
            burst=dict(type="int", default=256),
            required=dict(type="bool", default=False),
            wait=dict(type="float", default=60),
            **PROGRAM_ARGUMENTS),
        supports_check_mode=True)).run()


if __name__ == "__main__":
    main()
