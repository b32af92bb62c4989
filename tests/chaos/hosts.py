"""A cluster over network namespaces: one host each for the scheduler, the gateway, every node and the
clients, around a router in which packets between two hosts can be made to vanish, each way by itself."""
from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Optional

import zmq

from tests.chaos.cluster import TIRELESS, ask_operator, engines_of, is_up, process_state
from tests.support.cluster import BIN, is_alive, until

PREFIX = f"chaos-{os.getpid()}"
ROUTER = f"{PREFIX}-router"


def ip(*words: object) -> None:
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


def can_make_hosts() -> bool:
    return subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


class Host:
    """A namespace with one address, beside the router."""

    def __init__(self, number: int, name: str) -> None:
        self.name, self.space, self.address = name, f"{PREFIX}-{name}", f"10.78.{number}.2"
        port = f"port{number}"
        ip("netns", "add", self.space)
        ip("link", "add", "uplink", "netns", self.space, "type", "veth", "peer", "name", port, "netns", ROUTER)
        ip("-n", ROUTER, "address", "add", f"10.78.{number}.1/24", "dev", port)
        ip("-n", ROUTER, "link", "set", port, "up")
        ip("-n", self.space, "address", "add", f"{self.address}/24", "dev", "uplink")
        for link in ("uplink", "lo"):
            ip("-n", self.space, "link", "set", link, "up")
        ip("-n", self.space, "route", "add", "default", "via", f"10.78.{number}.1")

    def command(self, *words: object) -> list[str]:
        return ["ip", "netns", "exec", self.space, *map(str, words)]


class HostsCluster:
    """The same face as tests.chaos.cluster.Cluster. layout: nodes, builtins, worker, gateway."""

    def __init__(self, layout: dict, folder: Path) -> None:
        self.layout, self.folder = {"nodes": 3, "engines": 1, **layout}, folder
        self.hosts: dict[str, Host] = {}
        self.servers: dict[str, tuple[str, subprocess.Popen]] = {}
        self.spaces: list[str] = []
        self.context = zmq.Context()
        self.log_folder = folder / "logs"
        self.log_folder.mkdir()

    def __enter__(self) -> HostsCluster:
        try:
            self.make_hosts()
            self.start_servers()
            until(self.is_whole, "the cluster to be whole")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make_hosts(self) -> None:
        ip("netns", "add", ROUTER)
        self.spaces.append(ROUTER)
        subprocess.run(["ip", "netns", "exec", ROUTER, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
        names = ["clients", "scheduler-1", "gateway-1", *(f"node-{k + 1}" for k in range(self.layout["nodes"]))]
        for number, name in enumerate(names, 1):
            self.spaces.append(f"{PREFIX}-{name}")
            self.hosts[name] = Host(number, name)

    def start_servers(self) -> None:
        leave = {"mesh": {"insecure": True}}
        scheduler = f"{self.hosts['scheduler-1'].address}:4800"
        self.door = f"tcp://{self.hosts['gateway-1'].address}:5555"
        self.operator = f"ipc://{self.folder}/operator.sock"
        self.start("scheduler-1", "scheduler", {"listen": scheduler, **leave})
        self.start("gateway-1", "gateway", {**self.layout.get("gateway", {}), "door": self.door, "operator": self.operator,
                                            "schedulers": [scheduler], **leave})
        for name, host in self.hosts.items():
            if name.startswith("node-"):
                self.start(name, "worker", {"restart": TIRELESS, **self.layout.get("worker", {}), "schedulers": [scheduler],
                                            "builtins": self.layout["builtins"], "bind": host.address, **leave,
                                            "engines": [{"device": "cpu"}] * self.layout["engines"]})

    def start(self, name: str, role: str, config: dict) -> None:
        file, ready = self.folder / f"{name}.yml", self.folder / f"{name}.json"
        file.write_text(json.dumps({"name": name, **config}))
        with open(self.log_folder / f"{name}.log", "a") as log:
            process = subprocess.Popen(self.hosts[name].command(BIN / f"coppice-{role}", "--config", file, "--ready-file", ready),
                                       stdout=log, stderr=log)
        self.servers[name] = (role, process)
        if role != "worker":
            until(lambda: ready.exists() or process.poll() is not None, f"{name} to be ready")
        if process.poll() is not None:
            raise RuntimeError((self.log_folder / f"{name}.log").read_text())

    def close(self) -> None:
        for _, process in reversed(self.servers.values()):
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for _, process in self.servers.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for space in reversed(self.spaces):
            subprocess.run(["ip", "netns", "delete", space], capture_output=True)
        self.context.destroy(linger=0)

    @property
    def endpoints(self) -> list[str]:
        return [self.door]

    def command(self, *words: object) -> list[str]:
        return self.hosts["clients"].command(*words)

    def status(self) -> Optional[dict]:
        return ask_operator(self.context, self.operator)

    def processes(self, role: str) -> dict[str, int]:
        return {name: process.pid for name, (each, process) in self.servers.items() if each == role}

    def engines(self) -> dict[str, int]:
        return {each["name"]: each["pid"] for each in engines_of(self.status()) if is_up(each)}

    def pids_of(self, role: str) -> dict[str, int]:
        return self.engines() if role == "engine" else self.processes(role)

    def pids(self) -> dict[str, int]:
        roles = ("gateway", "scheduler", "worker", "engine")
        return {name: pid for role in roles for name, pid in self.pids_of(role).items()}

    def is_whole(self) -> bool:
        if not all(is_alive(pid) and process_state(pid) != "T" for role in ("gateway", "scheduler", "worker")
                   for pid in self.processes(role).values()):
            return False
        ups = [is_up(each) for each in engines_of(self.status())]
        return len(ups) == self.layout["nodes"] * self.layout["engines"] and all(ups)

    def cuttable(self, one_way: bool) -> list[tuple[str, str]]:
        """Links that carry attempts or evidence: gateway to node, scheduler to node."""
        nodes = [name for name in self.hosts if name.startswith("node-")]
        pairs = [(centre, node) for centre in ("gateway-1", "scheduler-1") for node in nodes]
        return pairs + [(b, a) for a, b in pairs] if one_way else pairs

    def set_cut(self, source: str, sink: str, cut: bool) -> None:
        """Whether packets from one host to another vanish in the router."""
        ip("-n", ROUTER, "rule", "add" if cut else "del", "from", self.hosts[source].address, "to",
           self.hosts[sink].address, "blackhole")
