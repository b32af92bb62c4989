"""A scheduler, a gateway and a worker started by hand on three hosts: network namespaces on one bridge."""
import signal
import subprocess
import sys

import pytest

from tests.support.cluster import BIN, is_alive, send_signal, until
from tests.support.hosts import can_make_namespaces, insecure_fleet, locked_fleet, three_hosts


@pytest.fixture
def hosts(tmp_path):
    if not can_make_namespaces():
        pytest.skip("no right to make a network namespace")
    with three_hosts(tmp_path) as made:
        yield made


def test_three_hosts_serve_together_and_an_engine_that_is_killed_comes_back(hosts, tmp_path):
    fleet = insecure_fleet(hosts, tmp_path)
    until(lambda: fleet.predict().returncode == 0, "the first answer")
    first = until(lambda: (it := fleet.engine()) and it["verdict"] == "up" and it, "the engine")
    send_signal(first["pid"], signal.SIGKILL)
    until(lambda: not is_alive(first["pid"]), "the engine's end")
    done = fleet.predict()
    assert done.returncode == 0, done.stderr
    assert until(lambda: (it := fleet.engine()) and it["verdict"] == "up" and it, "the restart")["restarts"] == 1


@pytest.fixture
def locked(hosts, tmp_path):
    return locked_fleet(hosts, tmp_path)


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
