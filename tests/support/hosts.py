"""Hosts of a machine's own: network namespaces on one bridge, and a fleet of three of them started by hand."""
import contextlib
import itertools
import json
import os
import signal
import subprocess

from tests.support.cluster import BIN, PATIENCE_S, until

INSECURE = "mesh: {insecure: true}"
networks = itertools.count()


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


def can_make_namespaces():
    return subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


class Host:
    """A network namespace with one address on a switch, and the processes started in it."""

    def __init__(self, switch, number, folder):
        self.name, self.number, self.address = f"{switch}-{number}", number, f"10.77.0.{number}"
        self.folder, self.processes = folder, []
        ip("netns", "add", self.name)
        ip("link", "add", "uplink", "netns", self.name, "type", "veth", "peer", "name", f"port{number}", "netns", switch)
        ip("-n", switch, "link", "set", f"port{number}", "master", "bridge0", "up")
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "uplink")
        for link in ("uplink", "lo"):
            ip("-n", self.name, "link", "set", link, "up")

    def command(self, program, *words):
        return ["ip", "netns", "exec", self.name, BIN / program, *map(str, words)]

    def start(self, program, config):
        """Starts a server with that configuration. Returns what its ready file says."""
        files = {ending: self.folder / f"{program}-{self.number}.{ending}" for ending in ("yml", "json", "log")}
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
            process.wait(PATIENCE_S)
        ip("netns", "delete", self.name)


@contextlib.contextmanager
def three_hosts(folder):
    """Three hosts that reach each other; they end with the context. Their processes keep their files in `folder`."""
    switch = f"coppice-{os.getpid()}-{next(networks)}"
    with contextlib.ExitStack() as stack:
        ip("netns", "add", switch)
        stack.callback(ip, "netns", "delete", switch)
        ip("-n", switch, "link", "add", "bridge0", "type", "bridge")
        ip("-n", switch, "link", "set", "bridge0", "up")
        made = []
        for number in (1, 2, 3):
            made.append(Host(switch, number, folder))
            stack.callback(made[-1].close)
        yield made


class Authority:
    """Signs certificates of the mesh, by the `openssl` command."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "10", "-subj", "/CN=mesh", "-keyout", "ca.key",
                     "-out", "ca.pem")

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

    def command(self, *words):
        """Of a client on the scheduler's host."""
        return subprocess.run(self.hosts[0].command("coppice", *words, "--endpoint", self.door), capture_output=True, text=True,
                              timeout=PATIENCE_S)

    def predict(self, *words):
        return self.command("predict", "echo", "x=[1,2,3]", *words)

    def engine(self):
        done = subprocess.run(self.hosts[1].command("coppice", "status", "--json", "--operator", self.operator),
                              capture_output=True, text=True, timeout=60)
        nodes = json.loads(done.stdout)["nodes"] if done.returncode == 0 else []
        return next((each for node in nodes for worker in node["workers"] for each in worker["engines"]), None)


def coppice(*words):
    return subprocess.run([BIN / "coppice", *map(str, words)], check=True, capture_output=True, text=True).stdout.strip()


def locked_fleet(hosts, folder):
    """A fleet in which every connection between hosts is encrypted and asks who is there; `folder/mine.key` is a client's."""
    coppice("keys", "new", folder / "gateway.key")
    coppice("keys", "new", folder / "mine.key")
    coppice("keys", "allow", folder / "clients.yml", "me", folder / "mine.key")
    keys = f"keys: {{secret_file: {folder}/gateway.key, allow_file: {folder}/clients.yml}}\n"
    return Fleet(hosts, folder, Authority(folder / "authority").mesh_of, keys)


def insecure_fleet(hosts, folder):
    return Fleet(hosts, folder, lambda name: INSECURE)
