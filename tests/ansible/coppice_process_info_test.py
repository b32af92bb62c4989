"""The module coppice_process_info: a real process, and a `systemctl` that tells of it."""
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.ansible.collection import run_module


class Machine:
    """A folder of releases, a process that runs from one of them, and what systemd says of it."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.releases = folder / "releases"

    def release(self, version):
        program = self.releases / version / "bin/coppice-worker"
        program.parent.mkdir(parents=True)
        shutil.copy(shutil.which("sleep"), program)
        return program

    def make_current(self, version):
        link = self.folder / "current"
        link.unlink(missing_ok=True)
        link.symlink_to(self.releases / version)

    def run(self, program):
        self.process = subprocess.Popen([program, "600"])

    def systemd_says(self, state="active", started_s_ago=0.0, reload="no"):
        started = int((time.clock_gettime(time.CLOCK_MONOTONIC) - started_s_ago) * 1e6)
        told = f"ActiveState={state}\nMainPID={self.process.pid if self.process and state == 'active' else 0}\n" \
               f"ExecMainStartTimestampMonotonic={started}\nNeedDaemonReload={reload}\n"
        systemctl = self.folder / "systemctl"
        systemctl.write_text(f"#!/bin/sh\ncat <<'end'\n{told}end\n")
        systemctl.chmod(0o755)

    def ask(self, **more):
        return run_module("coppice_process_info", unit="coppice-worker.service", releases=str(self.releases),
                          current=str(self.folder / "current"), path=f"{self.folder}:{os.environ['PATH']}", **more)


@pytest.fixture
def machine(tmp_path):
    it = Machine(tmp_path)
    program = it.release("0.1.0")
    it.make_current("0.1.0")
    it.run(program)
    yield it
    it.process.kill()
    it.process.wait()


@pytest.fixture
def settings(tmp_path) -> Path:
    file = tmp_path / "worker.yml"
    file.write_text("name: node-1\n")
    return file


def test_a_process_that_runs_what_lies_there_is_left_alone(machine, settings):
    machine.systemd_says()

    told = machine.ask(files=[str(settings)])

    assert told["active"] and not told["stale"] and told["release"] == "0.1.0" and not told["changed"]


def test_a_file_that_changed_since_the_start_is_a_reason(machine, settings):
    machine.systemd_says(started_s_ago=60)

    told = machine.ask(files=[str(settings)])

    assert told["stale"] and told["reasons"] == [f"{settings} has changed"]


def test_a_link_that_was_set_anew_is_a_reason(machine, tmp_path):
    machine.systemd_says(started_s_ago=60)
    (tmp_path / "old").mkdir()
    os.utime(tmp_path / "old", (0, 0))
    (tmp_path / "models").symlink_to(tmp_path / "old")

    assert machine.ask(files=[str(tmp_path / "models")])["stale"]


def test_a_file_that_is_not_there_is_none(machine, tmp_path):
    machine.systemd_says(started_s_ago=60)

    assert not machine.ask(files=[str(tmp_path / "absent")])["stale"]


def test_another_release_is_a_reason(machine):
    machine.release("0.2.0")
    machine.make_current("0.2.0")
    machine.systemd_says()

    told = machine.ask()

    assert told["stale"] and told["reasons"] == ["it runs 0.1.0, and 0.2.0 is to run"]


def test_a_release_that_is_still_to_come_is_a_reason_where_it_is_named(machine):
    machine.systemd_says()

    assert machine.ask(release="0.2.0")["stale"] and not machine.ask(release="0.1.0")["stale"]


def test_a_program_of_no_release_is_a_reason(machine):
    machine.process.kill()
    machine.process.wait()
    machine.run(shutil.which("sleep"))
    machine.systemd_says()

    assert machine.ask()["reasons"] == ["it runs a program of no release, and 0.1.0 is to run"]


def test_a_unit_that_changed_is_a_reason(machine):
    machine.systemd_says(reload="yes")

    assert machine.ask()["reasons"] == ["its unit has changed"]


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_what_does_not_run_is_not_stale(machine, settings, state):
    machine.systemd_says(state=state, started_s_ago=60)

    told = machine.ask(files=[str(settings)])

    assert not told["active"] and not told["stale"] and told["state"] == state
