"""A scheduler, a gateway and a worker started by hand on three hosts: network namespaces on one bridge."""
import json
import os
import signal
import subprocess
import sys
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


INSECURE = "mesh: {insecure: true}"


class Authority:
    """Signs certificates of the mesh, by the `openssl` command."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "10", "-subj", "/CN=mesh", "-keyout", "ca.key", "-out", "ca.pem")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def mesh_of(self, name):
        """The `mesh` key of a process's configuration, with a certificate of its own."""
        self.openssl("req", "-newkey", "ed25519", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "10",
                     "-out", f"{name}.pem")
        return f"mesh: {{certificate: {self.folder}/{name}.pem, key: {self.folder}/{name}.key, ca: {self.folder}/ca.pem}}"


class Fleet:
    """Scheduler, gateway and worker on three hosts. `keys`: the further configuration of the gateway's door."""

    def __init__(self, hosts, folder, mesh_of, keys=""):
        self.hosts = hosts
        scheduler = f"{hosts[0].address}:4800"
        hosts[0].start("coppice-scheduler", f"name: scheduler-1\nlisten: {scheduler}\n{mesh_of('scheduler')}\n")
        ready = hosts[1].start("coppice-gateway", f"name: gateway-1\ndoor: tcp://{hosts[1].address}:5555\n"
                               f"operator: ipc://{folder}/operator.sock\nschedulers: ['{scheduler}']\n{mesh_of('gateway')}\n{keys}")
        self.door, self.operator = ready["door"], ready["operator"]
        hosts[2].start("coppice-worker", f"name: node-1\nschedulers: ['{scheduler}']\nbuiltins: [echo]\n"
                                         f"bind: {hosts[2].address}\n{mesh_of('worker')}\n")

    def predict(self, *words):
        return subprocess.run(self.hosts[0].command("coppice", "predict", "echo", "x=[1,2,3]", "--endpoint", self.door, *words),
                              capture_output=True, text=True, timeout=60)

    def engine(self):
        done = subprocess.run(self.hosts[1].command("coppice", "status", "--json", "--operator", self.operator),
                              capture_output=True, text=True, timeout=60)
        nodes = json.loads(done.stdout)["nodes"] if done.returncode == 0 else []
        return next((each for node in nodes for worker in node["workers"] for each in worker["engines"]), None)


def test_three_hosts_serve_together_and_an_engine_that_is_killed_comes_back(hosts, tmp_path):
    fleet = Fleet(hosts, tmp_path, lambda name: INSECURE)
    until(lambda: fleet.predict().returncode == 0, "the first answer")
    first = until(lambda: (it := fleet.engine()) and it["verdict"] == "up" and it, "the engine")
    send_signal(first["pid"], signal.SIGKILL)
    until(lambda: not is_alive(first["pid"]), "the engine's end")
    done = fleet.predict()
    assert done.returncode == 0, done.stderr
    assert until(lambda: (it := fleet.engine()) and it["verdict"] == "up" and it, "the restart")["restarts"] == 1


@pytest.fixture
def locked(hosts, tmp_path):
    """A fleet in which every connection between hosts is encrypted and asks who is there; `tmp_path` has a client's key."""
    def coppice(*words):
        return subprocess.run([BIN / "coppice", *map(str, words)], check=True, capture_output=True, text=True).stdout.strip()

    coppice("keys", "new", tmp_path / "gateway.key")
    coppice("keys", "new", tmp_path / "mine.key")
    coppice("keys", "allow", tmp_path / "clients.yml", "me", tmp_path / "mine.key")
    keys = f"keys: {{secret_file: {tmp_path}/gateway.key, allow_file: {tmp_path}/clients.yml}}\n"
    return Fleet(hosts, tmp_path, Authority(tmp_path / "authority").mesh_of, keys)


def test_a_fleet_with_certificates_and_keys_serves_and_survives_its_engine(locked, tmp_path):
    mine = ("--key-file", tmp_path / "mine.key")
    until(lambda: locked.predict(*mine).returncode == 0, "the first answer")
    first = until(lambda: (it := locked.engine()) and it["verdict"] == "up" and it, "the engine")
    send_signal(first["pid"], signal.SIGKILL)
    until(lambda: not is_alive(first["pid"]), "the engine's end")
    done = locked.predict(*mine)
    assert done.returncode == 0, done.stderr
    assert locked.predict().returncode != 0  # without a key of its own


def test_no_port_of_a_locked_fleet_says_a_word_to_a_stranger(locked, tmp_path):
    until(lambda: locked.predict("--key-file", tmp_path / "mine.key").returncode == 0, "the first answer")
    engine = until(lambda: (it := locked.engine()) and it["verdict"] == "up" and it, "the engine")
    for endpoint in (link_of(locked.hosts[2], engine["pid"]), locked.door.partition("?key=")[0]):
        assert stranger_hears(locked.hosts[0], endpoint) == "nothing"


def link_of(host, pid):
    """Where that engine listens."""
    listening = subprocess.run(["ip", "netns", "exec", host.name, "ss", "-ltnHp"], capture_output=True, text=True, check=True).stdout
    line = next(each for each in listening.splitlines() if f"pid={pid}," in each)
    return "tcp://" + line.split()[3]


STRANGER = """
import sys, zmq
socket = zmq.Context().socket(zmq.DEALER)
socket.linger, socket.rcvtimeo = 0, 1500
socket.connect(sys.argv[1])
socket.send_multipart([b"", b"\\x81\\xa2op\\xa4ping"])
try:
    socket.recv()
    print("something")
except zmq.Again:
    print("nothing")
"""


def stranger_hears(host, endpoint):
    done = subprocess.run(["ip", "netns", "exec", host.name, sys.executable, "-c", STRANGER, endpoint], capture_output=True, text=True,
                          timeout=60)
    return done.stdout.strip() or done.stderr


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
