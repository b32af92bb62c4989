"""What supervision does with real processes: hangs, freezes, crash loops, groups, escalation, drain."""
import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.by_hand import ByHand
from tests.support.cluster import Cluster, Dealer, PATIENCE_S, echo, is_alive, send_signal, until


@pytest.fixture
def servers(tmp_path):
    with ByHand(tmp_path) as made:
        yield made


def is_up(engine):
    return engine["verdict"] == "up"


def request(number, model, **parameters):
    return {"v": 1, "op": "infer", "id": number, "model": model, "parameters": parameters}


class limited_memory:
    """A control group with a limit, of whichever version there is."""

    def __init__(self, limit):
        root = Path("/sys/fs/cgroup")
        self.old = (root / "memory").is_dir()
        self.path = root / ("memory" if self.old else "") / f"coppice-test-{os.getpid()}"
        try:
            self.path.mkdir()
            (self.path / ("memory.limit_in_bytes" if self.old else "memory.max")).write_text(str(limit))
        except OSError as failure:
            if self.path.is_dir():
                self.path.rmdir()
            pytest.skip(f"no right to limit memory: {failure}")

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        until(lambda: not (self.path / "cgroup.procs").read_text(), "the group to be empty")
        self.path.rmdir()


def test_a_hang_after_quick_steps_is_known_by_what_they_took_and_named(servers):
    servers.worker("node-1", builtins=["hang"], hang_after_ms=600_000)
    with Dealer(servers.endpoint) as client:
        for number in range(50):
            assert "error" not in client.ask(request(number, "hang", hang=False))[0]
        began = time.monotonic()
        reply, _ = client.ask({**request(50, "hang"), "at_most_once": True})
        print(f"hang known after {time.monotonic() - began:.3f} s")
    assert reply["error"]["code"] == "unknown_outcome"
    engine = servers.engine_when("node-1/engine-0", lambda it: it["history"], "the reason")
    assert engine["history"][0]["cause"] == "hang"
    assert "in one step" in engine["last_reason"] and "its limit: 1.0 s" in engine["last_reason"]


def test_a_model_whose_time_depends_on_the_request_is_not_judged_by_what_it_took_before(servers):
    servers.worker("node-1", builtins=["sleep"])
    with Dealer(servers.endpoint) as client:
        for number in range(60):
            assert "error" not in client.ask(request(number, "sleep", ms=0.1))[0]
        assert "error" not in client.ask(request(60, "sleep", ms=2500))[0]
    assert servers.engines()["node-1/engine-0"]["restarts"] == 0


@pytest.mark.parametrize("model", ["sleep", None], ids=["at work", "idle"])
def test_an_engine_that_is_frozen_is_killed_without_blame_and_comes_back(servers, model):
    servers.worker("node-1", builtins=["echo", "sleep"])
    engine = servers.engines()["node-1/engine-0"]
    with Dealer(servers.endpoint) as client:
        if model:
            client.send(request(1, model, ms=500))
            servers.engine_when(engine["name"], lambda it: it["in_flight"] == 1, "the step")
        send_signal(engine["pid"], signal.SIGSTOP)
        until(lambda: not is_alive(engine["pid"]), "the engine's end")
        again = servers.engine_when(engine["name"], lambda it: is_up(it) and it["restarts"] == 1, "the restart")
        assert again["history"][0]["cause"] == "killed"
        assert "frozen from outside" in again["last_reason"]
        if model:
            assert "error" not in client.receive()[0]


def test_a_crash_loop_ends_in_quarantine_with_its_history_in_the_tree(servers):
    servers.worker("node-1", builtins=["echo"], engines=[{}, {}], restart={"intensity": 2, "base_ms": 1})
    for restarts in range(3):
        engine = servers.engine_when("node-1/engine-0", lambda it: is_up(it) and it["restarts"] == restarts, "engine-0")
        send_signal(engine["pid"], signal.SIGSEGV)
    lost = servers.engine_when("node-1/engine-0", lambda it: it["verdict"] == "quarantined", "the quarantine")
    assert [note["cause"] for note in lost["history"]] == ["crash"] * 3
    assert is_up(servers.engines()["node-1/engine-1"])
    tree = servers.command("status", "--tree").stdout
    assert "worker node-1/engine-0  one-for-one" in tree and "1 of 2 engines up" in tree
    assert "model echo:1  completed 0  failed 0  refused 0" in tree
    assert "requests refused 0  attempts placed again 0  replies fenced 0" in tree
    assert tree.count("crash: was killed by signal 11 (SIGSEGV)") == 3
    with Dealer(servers.endpoint) as client:
        assert client.ask(echo(1), b"abcd")[1] == [b"abcd"]


def test_a_quarantined_engine_is_tried_again(servers):
    servers.worker("node-1", builtins=["echo"], engines=[{}, {}], restart={"intensity": 0, "probe_s": 2})
    engine = servers.engines()["node-1/engine-0"]
    send_signal(engine["pid"], signal.SIGKILL)
    servers.engine_when(engine["name"], lambda it: it["verdict"] == "quarantined", "the quarantine")
    assert servers.engine_when(engine["name"], is_up, "the trial")["restarts"] == 1


def test_a_group_starts_again_together(servers):
    servers.worker("node-1", builtins=["echo"], engines=[{"group": "pair"}, {"group": "pair"}, {}])
    before = servers.engines()
    send_signal(before["node-1/engine-0"]["pid"], signal.SIGKILL)
    after = {k: servers.engine_when(f"node-1/engine-{k}", lambda it: is_up(it) and it["restarts"] == 1, "the group")
             for k in (0, 1)}
    assert after[1]["incarnation"] != before["node-1/engine-1"]["incarnation"]
    assert after[1]["last_reason"] == "was stopped with its group"
    assert after[1]["history"][0]["cause"] == "stopped"
    alone = servers.engines()["node-1/engine-2"]
    assert alone["restarts"] == 0 and alone["incarnation"] == before["node-1/engine-2"]["incarnation"]


def test_a_node_whose_engines_are_all_in_quarantine_ends_with_the_documented_code(servers):
    worker = servers.worker("node-1", builtins=["echo"], restart={"intensity": 0})
    send_signal(servers.engines()["node-1/engine-0"]["pid"], signal.SIGKILL)
    assert worker.wait(PATIENCE_S) == 75


def test_the_last_level_is_a_fresh_worker_process():
    with Cluster() as cluster:
        worker = cluster.pid("node-1")

        def kill_engine():
            for engine in cluster.engines():
                if is_up(engine):
                    with contextlib.suppress(ProcessLookupError):  # it has ended since
                        send_signal(engine["pid"], signal.SIGKILL)
            return cluster.pid("node-1") != worker

        until(kill_engine, "a fresh worker")
        until(lambda: any(map(is_up, cluster.engines())), "its engine")


def test_an_engine_that_the_kernel_kills_for_want_of_memory_says_so(servers):
    with limited_memory(120 << 20) as group:
        servers.worker("node-1", group.enter, builtins=["sleep"])
        size = 60 << 20
        with Dealer(servers.endpoint) as client:
            for number in range(2):
                client.send({**request(number, "sleep", ms=2000), "at_most_once": True,
                             "inputs": [{"name": "x", "datatype": "UINT8", "shape": [size], "frame": 0}]}, bytes(size))
            engine = servers.engine_when("node-1/engine-0", lambda it: it["history"], "the end of the engine")
        servers.processes["node-1"].kill()
        servers.processes["node-1"].wait(PATIENCE_S)
    assert engine["history"][0]["cause"] == "memory"


def test_sigterm_drains_a_worker_under_load_and_loses_nothing(servers):
    for name in ("node-1", "node-2"):
        servers.worker(name, builtins=["echo"], drain_s=3)
    sent, ids = 0, set()
    with Dealer(servers.endpoint) as client:
        while servers.processes["node-2"].poll() is None or len(ids) < sent:
            while sent - len(ids) < 64 and servers.processes["node-2"].poll() is None:
                client.send(echo(sent, b"%08d" % sent), b"%08d" % sent)
                sent += 1
            reply, frames = client.receive()
            assert "error" not in reply, reply
            assert frames == [b"%08d" % reply["id"]]
            ids.add(reply["id"])
            if len(ids) == 20_000:
                servers.ask_to_stop("node-2")
        assert servers.processes["node-2"].wait() == 0
        assert len(ids) == sent
        assert client.ask(echo(sent), b"abcd")[1] == [b"abcd"]


def test_an_idle_worker_stops_without_waiting_for_its_limit(servers):
    worker = servers.worker("node-1", builtins=["echo"], drain_s=3600)
    began = time.monotonic()
    servers.ask_to_stop("node-1")
    assert worker.wait(PATIENCE_S) == 0
    print(f"stopped after {time.monotonic() - began:.3f} s")


def test_a_worker_waits_for_its_open_work_and_a_second_sigterm_ends_it_at_once(servers):
    worker = servers.worker("node-1", builtins=["sleep"], drain_s=3600)
    engine = servers.engines()["node-1/engine-0"]
    with Dealer(servers.endpoint) as client:
        client.send(request(1, "sleep", ms=1500))
        servers.engine_when(engine["name"], lambda it: it["in_flight"] == 1, "the step")
        client.send({**request(2, "sleep", ms=3_600_000), "timeout_ms": 3_600_000})
        servers.engine_when(engine["name"], lambda it: it["in_flight"] == 2, "the next one")
        servers.ask_to_stop("node-1")
        servers.engine_when(engine["name"], lambda it: it["verdict"] == "draining", "the drain")
        assert "error" not in client.receive()[0]
        assert worker.poll() is None
        servers.ask_to_stop("node-1")
        assert worker.wait(PATIENCE_S) == 1
    until(lambda: not is_alive(engine["pid"]), "the engine's end")
