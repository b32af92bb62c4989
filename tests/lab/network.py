"""Namespaces of the hosts and the wires between them: one bridge in the control namespace, a port for each host. Frames
between two hosts can be made to vanish, each way by itself."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Iterable

from tests.lab.commands import run, succeeds
from tests.lab.fleet import CONTROL_ADDRESS, HostPlan
from tests.lab.places import Places
from tests.lab.processes import kill

BRIDGE = "lab"
# Ordered pairs of ports: what came in by the first does not leave by the second. Frames of the control side pass another
# hook, so that a host that is cut off can still be looked at. Addresses are still found (ARP): without it a way that is cut
# would soon cut the other one, too.
RULES = """
table bridge lab {
  set severed { type ifname . ifname; }
  chain wires {
    type filter hook forward priority 0;
    ether type arp accept
    iifname . oifname @severed drop
  }
}
"""
Pair = tuple[str, str]


class Network:
    def __init__(self, places: Places) -> None:
        self.places, self.control = places, places.control

    def create(self) -> None:
        run("ip", "netns", "add", self.control)
        run("ip", "-n", self.control, "link", "add", BRIDGE, "type", "bridge")
        run("ip", "-n", self.control, "address", "add", f"{CONTROL_ADDRESS}/24", "dev", BRIDGE)
        for link in ("lo", BRIDGE):
            run("ip", "-n", self.control, "link", "set", link, "up")
        run(*self.inside("nft", "-f", "-"), given=RULES)

    def inside(self, *words: object) -> list[str]:
        """A command of the control side."""
        return ["ip", "netns", "exec", self.control, *map(str, words)]

    def plug_in(self, host: HostPlan) -> None:
        """A namespace with one address, on a port of the bridge that has the host's name."""
        space = self.places.namespace(host.name)
        run("ip", "netns", "add", space)
        run("ip", "link", "add", "eth0", "netns", space, "address", host.mac, "type", "veth", "peer", "name", host.name,
            "netns", self.control)
        run("ip", "-n", space, "address", "add", f"{host.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            run("ip", "-n", space, "link", "set", link, "up")
        run("ip", "-n", self.control, "link", "set", host.name, "master", BRIDGE, "up")

    def silence(self, host: HostPlan) -> None:
        """Nothing passes the host's port any more, also not the ends of connections that a dying kernel would send."""
        succeeds("ip", "-n", self.control, "link", "set", host.name, "down")

    def unplug(self, host: HostPlan) -> None:
        """The namespace goes with every connection in it."""
        space = self.places.namespace(host.name)
        if space in namespaces(self.places):
            run("ip", "netns", "delete", space)
        # The kernel takes namespaces apart later on; the port is to be free now.
        succeeds("ip", "-n", self.control, "link", "delete", host.name)

    def sever(self, pairs: Iterable[Pair]) -> None:
        self.change("add", pairs)

    def mend(self, pairs: Iterable[Pair]) -> None:
        self.change("delete", pairs)

    def change(self, verb: str, pairs: Iterable[Pair]) -> None:
        listed = ", ".join(f'"{source}" . "{sink}"' for source, sink in pairs)
        if listed:
            run(*self.inside("nft", verb, "element", "bridge", "lab", "severed", "{", listed, "}"))

    def severed(self) -> set[Pair]:
        return pairs_in(run(*self.inside("nft", "--json", "list", "set", "bridge", "lab", "severed")))


def pairs_in(told: str) -> set[Pair]:
    """Of what `nft --json list set` wrote."""
    found = next(each["set"] for each in json.loads(told)["nftables"] if "set" in each)
    return {tuple(each["concat"]) for each in found.get("elem", [])}


def namespaces(places: Places) -> list[str]:
    """Those of the laboratory; the control side last, since the others hang on it."""
    folder = Path("/run/netns")
    names = sorted(each.name for each in folder.glob(f"{places.prefix}-*")) if folder.exists() else []
    return [each for each in names if each != places.control] + [each for each in names if each == places.control]


def remove_namespaces(places: Places) -> None:
    """With every process that is still in one."""
    for each in namespaces(places):
        told = subprocess.run(["ip", "netns", "pids", each], capture_output=True, text=True).stdout
        kill([int(pid) for pid in told.split()])
        run("ip", "netns", "delete", each)
