"""The laboratory's key, the hosts' keys, and how the control side calls a host."""
from __future__ import annotations

from pathlib import Path

from tests.lab.commands import run
from tests.lab.fleet import HostPlan
from tests.lab.places import Places

HOST_KEY = Path("etc/ssh/ssh_host_ed25519_key")


def create_keys(places: Places) -> None:
    places.ssh.mkdir(parents=True)
    make_key(places.ssh / "key", places.prefix)


def make_key(file: Path, comment: str) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file)


def give_keys(places: Places, host: HostPlan) -> None:
    """Into the host's file system, before it boots: its own key, and who may come in."""
    root = places.root(host.name)
    make_key(root / HOST_KEY, host.name)
    folder = root / "root/.ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "authorized_keys").write_text((places.ssh / "key.pub").read_text())


def write_config(places: Places, hosts: list[HostPlan]) -> None:
    known = [f"{host.address},{host.name} {(places.root(host.name) / HOST_KEY).with_suffix('.pub').read_text().strip()}" for host in hosts]
    (places.ssh / "known_hosts").write_text("\n".join(known) + "\n")
    places.ssh_config.write_text(config_text(places, hosts))


def config_text(places: Places, hosts: list[HostPlan]) -> str:
    """A dead host is noticed in seconds: ssh has nothing else that would."""
    names = "".join(f"Host {host.name}\n  HostName {host.address}\n" for host in hosts)
    return names + f"""Host *
  User root
  IdentityFile {places.ssh}/key
  IdentitiesOnly yes
  UserKnownHostsFile {places.ssh}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 3
  ServerAliveInterval 3
  ServerAliveCountMax 3
  LogLevel ERROR
"""
