"""A door that asks for keys: who has one gets in, as its tenant, until it is revoked; secrets stay where they are."""
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import zmq

from coppice import Client, Unauthenticated
from tests.support.cluster import BIN, PATIENCE_S, Cluster, Dealer, echo, until


def keys(*arguments):
    return subprocess.run([BIN / "coppice", "keys", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S)


def made(*arguments):
    done = keys(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Door:
    """A cluster whose gateway asks for keys, and the key files of two clients; one of them is allowed."""

    def __init__(self, folder):
        self.folder, self.allowed = folder, folder / "clients.yml"
        self.gateway_key = made("new", folder / "gateway.key")
        for name in ("laptop", "stranger"):
            made("new", folder / f"{name}.key")
        made("allow", self.allowed, "laptop", folder / "laptop.key", "--tenant", "acme", "--quota", "small")
        config = folder / "up.yml"
        config.write_text(json.dumps({"gateway": {
            "keys": {"secret_file": str(folder / "gateway.key"), "allow_file": str(self.allowed)},
            "quotas": {"small": {"open_requests": 3}}}}))
        self.cluster = Cluster("--config", config, "--builtins", "echo,sleep")

    def client(self, name):
        return Client(self.cluster.endpoint, key_file=str(self.folder / f"{name}.key"))

    def secrets(self):
        return [re.search('secret-key = "(.*)"', file.read_text())[1] for file in self.folder.glob("*.key")]


@pytest.fixture
def door(tmp_path):
    made_door = Door(tmp_path)
    with made_door.cluster:
        yield made_door


def test_the_ready_file_names_the_gateway_with_its_key(door):
    assert door.cluster.endpoint.endswith(f"?key={door.gateway_key}")


def test_a_client_with_an_allowed_key_is_served_as_its_tenant(door):
    with door.client("laptop") as client:
        assert client.infer("echo", {"x": np.arange(4)}).outputs["x"].tolist() == [0, 1, 2, 3]

    assert door.cluster.counted("gateway-1", "coppice_gateway_tenant_requests_total", tenant="acme") == 1


def test_the_command_takes_a_key_file(door):
    mine = ("--key-file", door.folder / "laptop.key")
    assert door.cluster.command("models", *mine).returncode == 0

    refused = door.cluster.command("models", "--key-file", door.folder / "stranger.key")
    assert refused.returncode != 0
    assert "does not know this user or key" in refused.stderr
    other = door.cluster.command("models", "--key-file", door.folder / "clients.yml")
    assert "no CURVE key pair" in other.stderr or "chmod 600" in other.stderr


def test_nobody_else_gets_in_and_nothing_of_them_is_decoded(door):
    endpoint = door.cluster.endpoint.partition("?key=")[0]
    with Dealer(endpoint) as plain, pytest.raises(zmq.Again):
        plain.socket.rcvtimeo = 500
        plain.ask(echo(1), b"abcd")
    for name in ("stranger", "nobody"):
        if name == "nobody":
            client = Client(door.cluster.endpoint)  # with a key of the moment
        else:
            client = door.client(name)
        with client, pytest.raises(Unauthenticated):
            client.infer("echo", {"x": np.arange(4)}, timeout=3)

    assert door.cluster.counted("gateway-1", "coppice_gateway_handshakes_failed_total") > 0
    assert door.cluster.counted("gateway-1", "coppice_gateway_rejected_total") == 0
    assert door.cluster.counted("gateway-1", "coppice_gateway_requests_total", model="echo") == 0


def test_a_revoked_key_ends_its_connection_and_what_it_had_open_while_others_go_on(door):
    made("allow", door.allowed, "stranger", door.folder / "stranger.key")
    with door.client("laptop") as client, door.client("stranger") as other:
        client.infer("echo", {"x": np.arange(4)})
        until(lambda: succeeds(other), "the newly allowed client to be served")
        slow = client.submit("sleep", {"x": np.arange(1)}, parameters={"ms": 20_000}, timeout=60)

        made("revoke", door.allowed, "laptop")

        with pytest.raises(Unauthenticated):
            slow.result(timeout=10)
        assert other.infer("echo", {"x": np.arange(4)}).outputs["x"].tolist() == [0, 1, 2, 3]
    assert door.cluster.counted("gateway-1", "coppice_gateway_connections_revoked_total") == 1


def succeeds(client):
    try:
        client.infer("echo", {"x": np.arange(4)}, timeout=1)
        return True
    except Unauthenticated:
        return False


def test_a_keys_quota_holds(door):
    with door.client("laptop") as client:
        client.infer("echo", {"x": np.arange(1)})
        many = [client._connection and client.submit("sleep", {"x": np.arange(1)}, parameters={"ms": 300}, timeout=20)
                for _ in range(8)]
        for each in many:
            each.exception(timeout=30)
    refused = door.cluster.counted("gateway-1", "coppice_gateway_shed_total", reason="quota")
    assert refused > 0


def test_no_secret_stands_in_a_log_an_argument_or_an_environment(door):
    with door.client("laptop") as client:
        client.infer("echo", {"x": np.arange(4)})
    places = [Path(f"/proc/{pid}/{name}") for pid in door.cluster.pids() for name in ("cmdline", "environ")]
    arguments = Path(f"/proc/{door.cluster.pid('gateway-1')}/cmdline").read_text().split("\0")
    run = Path(arguments[arguments.index("--config") + 1]).parent  # configuration, ready files and logs
    places += [each for each in run.rglob("*") if each.is_file()]
    assert any(each.suffix == ".log" for each in places)

    for place in places:
        text = place.read_bytes()
        assert not any(secret.encode() in text for secret in door.secrets()), place


def test_a_door_beyond_loopback_needs_keys(tmp_path):
    config = tmp_path / "gateway.yml"
    config.write_text("door: tcp://0.0.0.0:0\nembedded_scheduler: {}\n")
    refused = subprocess.run([BIN / "coppice-gateway", "--config", config], capture_output=True, text=True, timeout=PATIENCE_S)

    assert refused.returncode != 0
    assert "Give it 'keys'" in refused.stdout + refused.stderr


def test_keys_are_made_listed_allowed_and_revoked(tmp_path):
    pair, listed = tmp_path / "a.key", tmp_path / "clients.yml"
    public = made("new", pair)
    assert len(public) == 40
    assert pair.stat().st_mode & 0o777 == 0o600
    assert "not overwritten" in keys("new", pair).stderr
    assert made("show", pair) == public

    made("allow", listed, "a", public, "--tenant", "acme", "--expires", "2020-01-01T00:00:00Z")
    entry = json.loads(made("list", listed, "--json"))["clients"][0]
    assert entry == {"name": "a", "tenant": "acme", "key": public, "expires": "2020-01-01T00:00:00Z", "expired": True}
    assert "no date" in keys("allow", listed, "a", public, "--expires", "tomorrow").stderr

    made("revoke", listed, "a")
    assert "there is no 'a'" in keys("revoke", listed, "a").stderr
    assert json.loads(made("list", listed, "--json")) == {"clients": []}
