"""What the processes tell systemd: that they are ready, that they live, that they end."""
import json
import re
import signal
import subprocess

import pytest

from tests.support.cluster import BIN, Dealer, echo
from tests.support.frozen_threads import FrozenThreads
from tests.support.by_hand import Servers
from tests.support.service_manager import ServiceManager

CONFIGS = {
    "coppice-gateway": {"embedded_scheduler": {"listen": "127.0.0.1:0"}},
    "coppice-scheduler": {},
    "coppice-worker": {"builtins": ["echo", "sleep"]},
}


@pytest.fixture
def manager(tmp_path):
    told = subprocess.run([BIN / "coppice-gateway", "--version"], capture_output=True, text=True).stdout
    if "systemd" not in told:
        pytest.skip("built without libsystemd")
    with ServiceManager(tmp_path) as made:
        yield made


@pytest.fixture
def gateway(tmp_path):
    with Servers(tmp_path) as servers:
        yield servers.start("coppice-gateway", "gateway", embedded_scheduler={"listen": "127.0.0.1:0"})


@pytest.fixture
def start(manager, gateway, tmp_path):
    """Starts a program under the service manager. Returns its ready file."""
    def start(program, **config):
        files = [tmp_path / f"managed.{ending}" for ending in ("yml", "json")]
        files[0].write_text(json.dumps({"name": "managed", **CONFIGS[program], **config} |
                                       ({"schedulers": [gateway["mesh"]]} if program == "coppice-worker" else {})))
        manager.start(program, "--config", files[0], "--ready-file", files[1])
        return files[1]
    return start


@pytest.mark.parametrize("program", CONFIGS)
def test_a_process_is_ready_when_its_ready_file_says_so(manager, start, program):
    ready_file = start(program)
    manager.next_with("READY", "1")
    assert json.loads(ready_file.read_text())["pid"] == manager.process.pid
    manager.next_with("WATCHDOG", "1")


def test_a_worker_whose_engines_are_not_up_asks_for_more_time_and_is_not_ready(manager, start, tmp_path):
    program = tmp_path / "engine"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    ready_file = start("coppice-worker", engine_program=str(program))
    told = [manager.next()]
    while sum("EXTEND_TIMEOUT_USEC" in each for each in told) < 3:
        told.append(manager.next())
    assert not any("READY" in each for each in told) and not ready_file.exists()
    assert told[-2]["STATUS"] == "starting: 0 of 1 engine up, 0 rows in flight"


# All that may run an actor: CAF's clock goes on, since it ends what waits for an answer.
ACTORS = ("caf.actor", "caf.worker", "caf.multiplexer")


@pytest.mark.parametrize("program, threads, complaint", [
    ("coppice-gateway", ("coppice-shard",), "The shard does not tick."),
    ("coppice-gateway", ACTORS, "The gateway actor does not answer."),
    ("coppice-scheduler", ACTORS, "The scheduler actor does not answer."),
    ("coppice-worker", ACTORS, "The node actor does not answer."),
])
def test_the_watchdog_is_fed_only_while_the_process_makes_progress(manager, start, program, threads, complaint):
    start(program)
    manager.next_with("READY", "1")
    with FrozenThreads(manager.process.pid, threads):
        manager.next_with("STATUS", complaint)
        for _ in range(3):
            told = manager.next()
            assert "WATCHDOG" not in told and re.search(r"does not (answer|tick)\.$", told["STATUS"])
    manager.next_with("WATCHDOG", "1")


def test_a_gateway_says_what_it_serves(manager, start, tmp_path):
    ready = start("coppice-gateway")
    manager.next_with("READY", "1")
    gateway = json.loads(ready.read_text())
    with Servers(tmp_path) as servers, Dealer(gateway["door"]) as client:
        servers.start("coppice-worker", "node", schedulers=[gateway["mesh"]], builtins=["echo"])
        manager.next_with("STATUS", "serving 1 model")
        assert client.ask(echo(1), b"abcd")[1] == [b"abcd"]
        manager.next_with("STATUS", "serving 1 model, links to 1 engine, 0 open requests; scheduler: 1 of 1 engine up on 1 node")


def test_a_gateway_and_a_scheduler_say_that_they_stop(manager, start):
    start("coppice-scheduler")
    manager.next_with("READY", "1")
    manager.process.send_signal(signal.SIGTERM)
    manager.next_with("STOPPING", "1")
    assert manager.wait() == 0


def test_a_worker_asks_for_more_time_while_it_drains(manager, start, gateway):
    start("coppice-worker")
    manager.next_with("READY", "1")
    with Dealer(gateway["door"]) as client:
        client.ask(echo(1), b"abcd")  # the gateway knows the worker
        client.send({"v": 1, "op": "infer", "id": 2, "model": "sleep", "parameters": {"ms": 3000}})
        manager.next_with("STATUS", "1 row in flight")
        manager.process.send_signal(signal.SIGTERM)
        manager.next_with("STOPPING", "1")
        manager.next_with("STATUS", "draining: 1 row in flight")
        assert int(manager.next_with("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"]) > 0
        assert "error" not in client.receive()[0]
    assert manager.wait() == 0
