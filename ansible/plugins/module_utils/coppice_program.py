"""The `coppice` program as modules call it: words in, parsed JSON or a failure that names cause and remedy out."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import time

# What `coppice --help` says of its exit codes.
GOOD, FAILURE, USAGE, UNREACHABLE, REFUSED = range(5)

PROGRAM_ARGUMENTS = dict(
    program=dict(type="path", default="/opt/coppice/current/bin/coppice"),
    operator=dict(type="str", default="ipc:///run/coppice/operator.sock"),
)

# Between two looks; and how long a door may be silent before that counts, as while the cluster's home moves.
PAUSE_S = 0.2
PATIENCE_S = 5


class Coppice:
    """One operator door, by way of the program."""

    def __init__(self, module):
        self.module = module
        self.program = module.params["program"]
        self.operator = module.params["operator"]

    def run(self, *words):
        """Returns exit code, standard output and the last line of standard error."""
        code, out, told = self.module.run_command([self.program] + [str(each) for each in words])
        lines = told.strip().splitlines()
        return code, out, lines[-1] if lines else "exit code %d" % code

    def ask_operator(self, verb, *words):
        return self.run(verb, *(list(words) + ["--operator", self.operator, "--json"]))

    def status(self):
        """What the cluster says of itself; ends the module if nobody answers."""
        for _each in poll(PATIENCE_S):
            code, out, told = self.ask_operator("status")
            if code == GOOD:
                return self.parsed(out)
            if code != UNREACHABLE:
                break
        self.fail("The cluster does not tell its status", told)

    def parsed(self, out):
        try:
            return json.loads(out)
        except ValueError as failure:
            self.fail("%s wrote no JSON" % self.program, str(failure))

    def fail(self, problem, cause, **more):
        self.module.fail_json(msg="%s: %s. Asked: %s on this host." % (problem, cause.rstrip("."), self.operator), **more)


def node_of(status, name):
    """The node in a status, or None if the cluster does not know it."""
    return next((each for each in status.get("nodes", []) if each["name"] == name), None)


def engines_of(node):
    return [engine for worker in node["workers"] for engine in worker["engines"]]


def poll(seconds, pause=PAUSE_S):
    """Yields at once and then again and again until the time is over; the last time after it."""
    end = time.monotonic() + seconds
    while True:
        over = time.monotonic() >= end
        yield
        if over:
            return
        time.sleep(pause)
