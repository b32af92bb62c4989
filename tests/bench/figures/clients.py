"""What clients of a gateway cost it: those that connect, those that stand idle, those that ask."""
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgpack
import zmq
import zmq.auth

from tests.bench.figures.measured import figure
from tests.bench.figures.programs import ROOT, SECONDS, Cluster, bench, cpu_seconds, resident_mib, thread_seconds
from tests.support import zmtp
from tests.support.cluster import echo
from tests.support.hosts import coppice

CLIENTS = 10_000
# Sockets of libzmq, which take more of a client than wires do.
KEYED_CLIENTS = 2_000
# Long beside the ticks of a gateway.
IDLE_S = 20


@contextlib.contextmanager
def herd(cluster):
    """Clients that are connected and answer what is asked of them, in a process of their own."""
    clients = subprocess.Popen([sys.executable, "-m", "tests.chaos.herd", cluster.endpoint, str(CLIENTS)], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)
    try:
        assert clients.stdout.readline() == f"connected {CLIENTS}\n"
        yield
    finally:
        clients.terminate()
        clients.wait(30)


def spent(pid, work):
    """Processor seconds that `work` costs a process, and the one of its threads that does most."""
    whole, threads = cpu_seconds(pid), thread_seconds(pid)
    result = work()
    busiest = max(seconds - threads.get(thread, 0) for thread, seconds in thread_seconds(pid).items())
    return cpu_seconds(pid) - whole, busiest, result


@figure("processor time of a gateway for a client that connects", "us")
def connect(rounds):
    for _ in range(rounds):
        with Cluster() as cluster, contextlib.ExitStack() as wires:
            def connect_all():
                for _ in range(CLIENTS):
                    wires.enter_context(zmtp.connect(cluster.endpoint))

            whole, busiest, _ = spent(cluster.pid("gateway-1"), connect_all)
            yield whole / CLIENTS * 1e6, {"its busiest thread, us": busiest / CLIENTS * 1e6}


@contextlib.contextmanager
def keyed_cluster():
    """Its gateway lets in one key. Yields it with that key pair."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        coppice("keys", "new", folder / "gateway.key")
        coppice("keys", "new", folder / "mine.key")
        coppice("keys", "allow", folder / "clients.yml", "me", folder / "mine.key")
        config = folder / "up.yml"
        config.write_text(json.dumps({"gateway": {"keys": {"secret_file": str(folder / "gateway.key"),
                                                           "allow_file": str(folder / "clients.yml")}}}))
        with Cluster("--config", config) as cluster:
            yield cluster, zmq.auth.load_certificate(folder / "mine.key")


def ping_from(context, endpoint, pair):
    where, _, key = endpoint.partition("?key=")
    wire = context.socket(zmq.DEALER)
    wire.curve_publickey, wire.curve_secretkey, wire.curve_serverkey = *pair, key.encode()
    wire.connect(where)
    wire.send_multipart([b"", msgpack.packb({"v": 1, "op": "ping", "id": 1})])
    assert wire.poll(30_000), "no answer to a ping"


@figure("processor time of a gateway for a client that connects with a key and is answered a ping", "us")
def connect_with_key(rounds):
    for _ in range(rounds):
        with keyed_cluster() as (cluster, pair), zmq.Context() as context:
            context.max_sockets, context.linger = 2 * KEYED_CLIENTS, 0

            def connect_all():
                for _ in range(KEYED_CLIENTS):
                    ping_from(context, cluster.endpoint, pair)

            whole, busiest, _ = spent(cluster.pid("gateway-1"), connect_all)
            yield whole / KEYED_CLIENTS * 1e6, {"its busiest thread, us": busiest / KEYED_CLIENTS * 1e6}
            context.destroy(0)


@figure("processor time of a gateway for an idle client", "us/s")
def stand_idle(rounds):
    with Cluster() as cluster:
        pid = cluster.pid("gateway-1")
        idle, _, _ = spent(pid, lambda: time.sleep(IDLE_S))
        with herd(cluster):
            for _ in range(rounds):
                whole, busiest, _ = spent(pid, lambda: time.sleep(IDLE_S))
                yield (whole - idle) / IDLE_S / CLIENTS * 1e6, {"its busiest thread, us/s": busiest / IDLE_S / CLIENTS * 1e6,
                                                                "without clients, ms/s": idle / IDLE_S * 1000}


@figure("memory of a gateway for a client that is connected", "KiB")
def connected(rounds):
    for _ in range(rounds):
        with Cluster() as cluster, contextlib.ExitStack() as wires:
            pid = cluster.pid("gateway-1")
            before = resident_mib(pid)
            for _ in range(CLIENTS):
                wires.enter_context(zmtp.connect(cluster.endpoint))
            yield (resident_mib(pid) - before) * 1024 / CLIENTS, {}


@figure("memory of a gateway for a client that was answered: session, key and kept outcome", "KiB")
def answered(rounds):
    for _ in range(rounds):
        with Cluster() as cluster, contextlib.ExitStack() as wires:
            pid = cluster.pid("gateway-1")
            before = resident_mib(pid)
            for n in range(CLIENTS):
                wire = wires.enter_context(zmtp.connect(cluster.endpoint))
                asked = echo(1, b"x" * 64, session=f"{n:016x}", key=f"{n:016x}-1")
                header, *_ = zmtp.ask(wire, msgpack.packb(asked), b"x" * 64)
                assert "error" not in msgpack.unpackb(header)
            yield (resident_mib(pid) - before) * 1024 / CLIENTS, {}


@figure("processor time of a gateway for a request, echo of 64 B, 64 in flight", "us")
def request(rounds):
    with Cluster() as cluster:
        for _ in range(rounds):
            whole, busiest, ran = spent(cluster.pid("gateway-1"),
                                        lambda: bench(cluster, "echo", "--concurrency", 64, "--warm-up", 0))
            requests = ran["requests_per_s"] * SECONDS
            yield whole / requests * 1e6, {"its busiest thread, us": busiest / requests * 1e6,
                                           "requests/s": ran["requests_per_s"]}
