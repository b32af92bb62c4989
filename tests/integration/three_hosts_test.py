"""A scheduler, a gateway and a worker started by hand on three hosts: network namespaces on one bridge."""
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.cluster import BIN, is_alive, send_signal, until

SWITCH = f"coppice-{os.getpid()}-switch"


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


def can_make_namespaces():
    return subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


class Host:
    """A network namespace with one address, and the processes started in it."""

    def __init__(self, number, folder):
        self.name, self.address = f"coppice-{os.getpid()}-{number}", f"10.77.0.{number}"
        self.folder, self.processes = folder, []
        ip("netns", "add", self.name)
        ip("link", "add", "uplink", "netns", self.name, "type", "veth", "peer", "name", f"port{number}", "netns", SWITCH)
        ip("-n", SWITCH, "link", "set", f"port{number}", "master", "bridge0", "up")
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "uplink")
        for link in ("uplink", "lo"):
            ip("-n", self.name, "link", "set", link, "up")

    def command(self, program, *words):
        return ["ip", "netns", "exec", self.name, BIN / program, *map(str, words)]

    def start(self, program, config):
        """Starts a server with that configuration. Returns what its ready file says."""
        files = {ending: self.folder / f"{program}.{ending}" for ending in ("yml", "json", "log")}
        files["yml"].write_text(config)
        with open(files["log"], "w") as log:
            process = subprocess.Popen(
                self.command(program, "--config", files["yml"], "--ready-file", files["json"]), stdout=log, stderr=log)
        self.processes.append(process)
        until(lambda: files["json"].exists() or process.poll() is not None, f"{program} to be ready")
        assert process.poll() is None, files["log"].read_text()
        return json.loads(files["json"].read_text())

    def close(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        ip("netns", "delete", self.name)


@pytest.fixture
def hosts(tmp_path):
    if not can_make_namespaces():
        pytest.skip("no right to make a network namespace")
    ip("netns", "add", SWITCH)
    made = []
    try:
        ip("-n", SWITCH, "link", "add", "bridge0", "type", "bridge")
        ip("-n", SWITCH, "link", "set", "bridge0", "up")
        for number in (1, 2, 3):
            made.append(Host(number, tmp_path))
        yield made
    finally:
        for host in reversed(made):
            host.close()
        ip("netns", "delete", SWITCH)


def scheduler_on(host):
    host.start("coppice-scheduler", f"name: scheduler-1\nlisten: {host.address}:4800\nmesh: {{insecure: true}}\n")
    return f"{host.address}:4800"


def test_three_hosts_serve_together_and_an_engine_that_is_killed_comes_back(hosts, tmp_path):
    scheduler = scheduler_on(hosts[0])
    door, operator = f"tcp://{hosts[1].address}:5555", f"ipc://{tmp_path}/operator.sock"
    hosts[1].start("coppice-gateway", f"name: gateway-1\ndoor: {door}\noperator: {operator}\n"
                                      f"schedulers: ['{scheduler}']\nmesh: {{insecure: true}}\n")
    hosts[2].start("coppice-worker", f"name: node-1\nschedulers: ['{scheduler}']\nbuiltins: [echo]\n"
                                     f"bind: {hosts[2].address}\nmesh: {{insecure: true}}\n")
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps({"gateways": [door], "operator": operator}))

    def answered():
        return subprocess.run(hosts[0].command("coppice", "predict", "echo", "x=[1,2,3]", "--endpoint", door),
                              capture_output=True, text=True, timeout=60)

    def engine():
        done = subprocess.run(hosts[1].command("coppice", "status", "--json", "--cluster", ready),
                              capture_output=True, text=True, timeout=60)
        nodes = json.loads(done.stdout)["nodes"] if done.returncode == 0 else []
        return next((each for node in nodes for worker in node["workers"] for each in worker["engines"]), None)

    until(lambda: answered().returncode == 0, "the first answer")
    first = until(lambda: (it := engine()) and it["verdict"] == "up" and it, "the engine")
    send_signal(first["pid"], signal.SIGKILL)
    until(lambda: not is_alive(first["pid"]), "the engine's end")
    done = answered()
    assert done.returncode == 0, done.stderr
    assert until(lambda: (it := engine()) and it["verdict"] == "up" and it, "the restart")["restarts"] == 1


@pytest.mark.parametrize("program, config", [
    ("coppice-scheduler", "listen: 10.77.0.1:4800\n"),
    ("coppice-gateway", "door: tcp://10.77.0.1:5555\nembedded_scheduler: {}\n"),
    ("coppice-worker", "schedulers: ['10.77.0.1:4800']\nbuiltins: [echo]\nbind: 10.77.0.1\n")])
def test_beyond_loopback_a_process_starts_only_with_leave(tmp_path, program, config):
    file = tmp_path / "config.yml"
    file.write_text(config)
    done = subprocess.run([BIN / program, "--config", file], capture_output=True, text=True, timeout=30)
    assert done.returncode == 78 and "insecure" in done.stderr, done


def test_a_default_host_name_of_a_missing_scheduler_is_not_waited_for(hosts, tmp_path):
    """A gateway starts without its scheduler and answers `unavailable`, with a hint when to come back."""
    door = f"tcp://{hosts[1].address}:5555"
    hosts[1].start("coppice-gateway", f"door: {door}\nschedulers: ['10.77.0.9:4800']\nmesh: {{insecure: true}}\n")
    done = subprocess.run(hosts[0].command("coppice", "predict", "echo", "x=[1]", "--endpoint", door, "--timeout-ms",
                                           1000), capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done
