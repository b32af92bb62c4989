"""Beside mosec, the fastest peer in echoes, driven by wrk."""
import contextlib
import re
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.bench.figures.measured import figure
from tests.bench.figures.programs import ROOT, SECONDS, Cluster, bench
from tests.support.cluster import until

PYTHON = ROOT / "build/bench_peer/bin/python"
# The msgpack map {"x": 64 bytes}.
POST = r'wrk.method = "POST"; wrk.body = "\129\161x\196\64" .. string.rep("x", 64)'


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as wire:
        wire.sendall(b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n\x01")
        return b" 200 " in wire.recv(64)


@contextlib.contextmanager
def mosec(max_batch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tempfile.TemporaryFile()
    server = subprocess.Popen([PYTHON, Path(__file__).with_name("mosec_echo.py"), str(max_batch), "--port", str(port)],
                              stdout=log, stderr=log)
    try:
        until(lambda: answers(port) or server.poll() is not None, "mosec's first answer")
        if server.poll() is not None:
            log.seek(0)
            raise RuntimeError("mosec ended: " + log.read().decode()[-300:])
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        log.close()


def wrk(port, connections):
    """Requests a second, and p50 in microseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(POST)
        script.flush()
        text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(SECONDS))}s", "--latency", "-s",
                               script.name, f"http://127.0.0.1:{port}/inference"],
                              capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", text).groups()
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit])


@figure("echo, one in flight: p50 against mosec, batching off", "times", at_most=0.6)
def latency_beside_mosec(rounds):
    with Cluster() as cluster:
        for _ in range(rounds):
            with mosec(1) as port:  # alone: it takes processor time when idle, too
                theirs = wrk(port, 1)[1]
            ours = bench(cluster, "echo")["latency_us"]["p50"]
            yield ours / theirs, {"mosec, us": theirs, "Coppice, us": ours}


@figure("echo, 64 in flight: requests a second against mosec, batching on", "times", at_least=2.5)
def throughput_beside_mosec(rounds):
    with Cluster() as cluster:
        for _ in range(rounds):
            with mosec(32) as port:
                theirs = wrk(port, 64)[0]
            ours = bench(cluster, "echo", "--concurrency", 64)["requests_per_s"]
            yield ours / theirs, {"mosec, 1/s": theirs, "Coppice, 1/s": ours}
