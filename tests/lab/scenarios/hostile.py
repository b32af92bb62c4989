"""Those who mean harm come to the doors of a fleet."""
from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator

from tests.lab.lab import Lab
from tests.lab.load import Load, judge
from tests.lab.problem import Problem
from tests.lab.provisioned import CLIENT_FOLDER, Fleet, provisioned
from tests.lab.scenario import Report, scenario
from tests.lab.scenarios.converge import FLEET
from tests.lab.scenarios.outages import wait_sent

SHARE = 0.3
REQUESTS = 5000
SILENT = 5000
GOOD_SHARE = 0.999
END_LIMIT_S = 60
READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


@contextlib.contextmanager
def harm(fleet: Fleet, who: str, *words: object) -> Iterator[list[str]]:
    """Beside what is done within. @returns what it told at its end, when it is over."""
    lab, told = fleet.lab, []
    doors = [word for each in fleet.endpoints() for word in ("--door", each)]
    program = ("prlimit", "--nofile=16384", sys.executable, "-m", "tests.lab.hostile", who)
    process = subprocess.Popen(lab.network.inside(*program, *doors, *words), cwd=lab.places.repository, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        yield told
    finally:
        process.terminate()
        told.append(process.communicate(timeout=END_LIMIT_S)[0].strip())
    if process.returncode != 0:
        raise Problem(f"the {who} ended with {process.returncode}", told[0], "see tests/lab/hostile.py")


def counted(lab: Lab, name: str) -> float:
    """Sum over gateways and labels."""
    total = 0.0
    for each in lab.names("gateway"):
        page = lab.run("client-1", "python3", "-c", READ, f"http://{lab.address(each)}:9100/metrics")
        total += sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", page, re.M))
    return total


def good_share(lab: Lab, load: Load) -> float:
    load.stop_sending()
    judged = judge(lab, [load])
    return judged.verdict["codes"].get("ok", 0) / judged.requests


@scenario(*FLEET)
def hostile(lab: Lab, report: Report) -> None:
    """strangers and a hostile tenant at every door: none gets in, nothing of theirs is decoded, and a good client goes on"""
    fleet = provisioned(lab, report)
    with report.step("nothing that strangers send is decoded, and a client beside them is answered"):
        load = fleet.load(SHARE, name="load-strangers")
        decoded, failed = counted(lab, "coppice_gateway_rejected_total"), counted(lab, "coppice_gateway_handshakes_failed_total")
        meshes = [word for each in lab.names("gateway") for word in ("--mesh", f"{lab.address(each)}:4800")]
        with harm(fleet, "strangers", *meshes, "--silent", SILENT) as told:
            wait_sent(lab, load, REQUESTS)
            share = good_share(lab, load)
        report.figure("share of good requests beside strangers", share)
        silent = int(re.search(r"(\d+) silent", told[0])[1])
        report.figure("silent connections at once", silent)
        report.figure("messages of strangers that reached a decoder", counted(lab, "coppice_gateway_rejected_total") - decoded)
        report.figure("handshakes that failed", counted(lab, "coppice_gateway_handshakes_failed_total") - failed)
        assert silent == SILENT and share >= GOOD_SHARE and counted(lab, "coppice_gateway_rejected_total") == decoded, told
        assert counted(lab, "coppice_gateway_handshakes_failed_total") > failed, told
    with report.step("a tenant that sends what is no request gets nothing of others', and a client beside it is answered"):
        fleet.make_client("offender")
        fleet.play("rotate_keys.yml", rotate_keys_step="clients")
        key = Path(lab.places.folder, "offender.key")
        lab.get("client-1", f"{CLIENT_FOLDER}/offender.key", key)
        load = fleet.load(SHARE, name="load-tenant")
        with harm(fleet, "tenant", "--key-file", key) as told:
            wait_sent(lab, load, REQUESTS)
            share = good_share(lab, load)
        report.figure("share of good requests beside a hostile tenant", share)
        assert share >= GOOD_SHARE and told[0].endswith(" 0 leaks"), told
    with report.step("every process is the one that it was"):
        assert fleet.serving() == set(lab.names("worker"))
        for each in lab.names("gateway"):
            assert lab.run(each, "systemctl", "show", "-P", "NRestarts", "coppice-gateway").strip() == "0"
