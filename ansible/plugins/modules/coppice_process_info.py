#!/usr/bin/python
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: coppice_process_info
short_description: Says whether a running process still matches what lies on the disk
description:
  - A process of Coppice reads its configuration, keys and models when it starts, and runs the release that it was started from.
  - This module tells whether a unit's process has to be started again, and why. It changes nothing.
  - What has changed is known from the kernel, not from an earlier run, so that a run that was cut off forgets no restart.
options:
  unit:
    description: The systemd unit.
    type: str
    required: true
  files:
    description:
      - Files and links that the process read when it started. Those that are not there count as not changed.
      - A file has changed if its inode did (ctime) since the process was started.
    type: list
    elements: path
    default: []
  releases:
    description: The folder with a folder for each release.
    type: path
    default: /opt/coppice/releases
  release:
    description: The release that is to run. By default the one that C(current) names.
    type: str
  current:
    description: The link to the release that is to run.
    type: path
    default: /opt/coppice/current
attributes:
  check_mode:
    support: full
author: Coppice
"""

EXAMPLES = r"""
- name: Ask what the worker was started with
  coppice.fleet.coppice_process_info:
    unit: coppice-worker.service
    files: [/etc/coppice/worker.yml]
  register: process
"""

RETURN = r"""
active:
  description: Whether the unit runs.
  type: bool
  returned: always
state:
  description: systemd's C(ActiveState).
  type: str
  returned: always
release:
  description: The release that the process was started from; empty if it does not run, or from elsewhere.
  type: str
  returned: always
stale:
  description: Whether it runs and has to be started again.
  type: bool
  returned: always
reasons:
  description: Why, a sentence each.
  type: list
  elements: str
  returned: always
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule

# A unit that starts or reads its configuration again has a process as well.
RUNNING = ("active", "activating", "reloading")
PROPERTIES = ("ActiveState", "MainPID", "ExecMainStartTimestampMonotonic", "NeedDaemonReload")


def properties_of(module):
    """What systemd knows of the unit; of one that it does not know, that it is inactive."""
    words = [module.get_bin_path("systemctl", required=True), "show", module.params["unit"], "--property", ",".join(PROPERTIES)]
    _code, out, _told = module.run_command(words, check_rc=True)
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def started_at(properties):
    """Wall time, in seconds, as the clock stands now: systemd counts microseconds since the machine started."""
    age = time.clock_gettime(time.CLOCK_MONOTONIC) - int(properties["ExecMainStartTimestampMonotonic"]) / 1e6
    return time.time() - age


def release_of(pid, releases):
    """The folder below `releases` that the process's program lies in."""
    try:
        program = os.readlink("/proc/%d/exe" % pid)
    except OSError:  # It ended a moment ago.
        return ""
    below = os.path.relpath(program, os.path.realpath(releases))
    return "" if below.startswith("..") else below.split(os.sep)[0]


def wanted_release(module):
    return module.params["release"] or os.path.basename(os.path.realpath(module.params["current"]))


def reasons_to_restart(module, properties, release):
    start = started_at(properties)
    reasons = ["%s has changed" % each for each in module.params["files"] if os.path.lexists(each) and os.lstat(each).st_ctime > start]
    if properties.get("NeedDaemonReload") == "yes":
        reasons.append("its unit has changed")
    wanted = wanted_release(module)
    if release != wanted:
        reasons.append("it runs %s, and %s is to run" % (release or "a program of no release", wanted))
    return reasons


def main():
    module = AnsibleModule(
        argument_spec=dict(
            unit=dict(type="str", required=True),
            files=dict(type="list", elements="path", default=[]),
            releases=dict(type="path", default="/opt/coppice/releases"),
            release=dict(type="str"),
            current=dict(type="path", default="/opt/coppice/current")),
        supports_check_mode=True)
    properties = properties_of(module)
    pid = int(properties.get("MainPID") or 0)
    active = properties.get("ActiveState") in RUNNING and pid > 0
    release = release_of(pid, module.params["releases"]) if active else ""
    reasons = reasons_to_restart(module, properties, release) if active else []
    module.exit_json(changed=False, active=active, state=properties.get("ActiveState", "inactive"), release=release, stale=bool(reasons),
                     reasons=reasons)


if __name__ == "__main__":
    main()
