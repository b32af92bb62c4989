"""Load from a client host, judged by the auditor, while a worker host loses its power. Servers are put on the hosts by
hand and run as units of the moment: what Ansible does with a fleet is for other scenarios."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.chaos.load import sleep
from tests.lab.lab import Lab
from tests.lab.load import judge, start_load
from tests.lab.packages import ask_dpkg, loaded_libraries, owner
from tests.lab.scenario import Report, scenario
from tests.lab.waiting import wait_until
from tests.support.cluster import BIN

FOLDER = "/opt/by-hand"
READY_LIMIT_S = 180
# Timed work that two engines carry at 40 % and one at 80 %, so that both have some when the fault comes.
RATE, SECONDS, STEP_MS = 40, 12, 20
MESH = {"mesh": {"insecure": True}}


def libraries_of_no_package(*programs: str) -> list[Path]:
    """What the base image cannot have: libtorch."""
    told = subprocess.run(["ldd", *(BIN / each for each in programs)], capture_output=True, text=True, check=True).stdout
    return [each for each in set(loaded_libraries(told)) if owner(each, ask_dpkg) is None]


def install(lab: Lab, host: str, config: dict, program: str, *others: str) -> None:
    lab.put(host, [BIN / each for each in (program, *others)], FOLDER)
    lab.put(host, libraries_of_no_package(program, *others), f"{FOLDER}/lib")
    lab.run(host, "tee", f"{FOLDER}/{program}.yml", given=json.dumps({"name": host, **MESH, **config}))


def start(lab: Lab, host: str, program: str) -> None:
    """Returns when it is on its way."""
    lab.run(host, "systemd-run", f"--unit={program}", "--property=RuntimeDirectory=coppice", f"--setenv=LD_LIBRARY_PATH={FOLDER}/lib",
            f"{FOLDER}/{program}", "--config", f"{FOLDER}/{program}.yml", "--ready-file", "/run/coppice/ready.json")


def start_gateway(lab: Lab, host: str) -> str:
    """With a scheduler in it. @returns its door."""
    door, operator = f"tcp://{lab.address(host)}:5555", "ipc:///run/coppice/operator.sock"
    scheduler = {"listen": f"{lab.address(host)}:4800"}
    install(lab, host, {"door": door, "operator": operator, "embedded_scheduler": scheduler}, "coppice-gateway", "coppice")
    start(lab, host, "coppice-gateway")
    lab.run(host, "tee", f"{FOLDER}/cluster.json", given=json.dumps({"gateways": [door], "operator": operator}))
    wait_until(lambda: lab.succeeds(host, "test", "-e", "/run/coppice/ready.json"), f"the gateway on {host} to be ready", READY_LIMIT_S)
    return door


def install_worker(lab: Lab, host: str, gateway: str) -> None:
    config = {"schedulers": [f"{lab.address(gateway)}:4800"], "bind": lab.address(host), "builtins": ["sleep"],
              "engines": [{"device": "cpu"}]}
    install(lab, host, config, "coppice-worker", "coppice-engine")


def engines_up(lab: Lab, gateway: str) -> list[str]:
    """Names of the engines that take work."""
    told = json.loads(lab.run(gateway, f"{FOLDER}/coppice", "status", "--json", "--cluster", f"{FOLDER}/cluster.json"))
    return [engine["name"] for node in told["nodes"] for worker in node["workers"] for engine in worker["engines"]
            if engine["verdict"] in ("up", "probation")]


def wait_engines(lab: Lab, gateway: str, count: int) -> None:
    wait_until(lambda: len(engines_up(lab, gateway)) == count, f"{count} engines to be up", READY_LIMIT_S)


@scenario("gateway-1", "worker-1", "worker-2", "client-1", fresh=True)
def load(lab: Lab, report: Report) -> None:
    """a client host's load is judged by the auditor while one of two worker hosts loses its power"""
    with report.step("a gateway and two workers, put there by hand, serve"):
        door = start_gateway(lab, "gateway-1")
        for each in ("worker-1", "worker-2"):
            install_worker(lab, each, "gateway-1")
            start(lab, each, "coppice-worker")
        wait_engines(lab, "gateway-1", 2)
    with report.step("no request is lost, doubled, wrong or late while a worker host loses its power"):
        sending = start_load(lab, [door], RATE, SECONDS, mix=[sleep(STEP_MS)])
        wait_until(lambda: lab.succeeds("client-1", "grep", "-qm50", "^O", sending.remote), "the first answers", READY_LIMIT_S)
        lab.faults.power_off("worker-2")
        judged = judge(lab, [sending])
        assert judged.kept, judged.told
        report.figure("requests", judged.requests)
        report.figure("attempts lost with the host", judged.verdict["attempts"] - judged.requests)
    with report.step("the worker host comes back with its power, and its engine when it is started again"):
        lab.faults.power_on("worker-2")
        start(lab, "worker-2", "coppice-worker")
        wait_engines(lab, "gateway-1", 2)
