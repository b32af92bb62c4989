"""A real cluster for process tests: `coppice up`, its ready file, its status."""
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import msgpack
import zmq

BIN = Path(os.environ.get("COPPICE_BIN", Path(__file__).parents[2] / "build/release/bin"))
PATIENCE_S = 60


def until(condition, what):
    """Polls a condition of another process until it holds; fails with `what` at the deadline."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {PATIENCE_S} s: {what}")


def send_signal(pid, number):
    """Signals one process. An engine that is being started has pid 0, and that would be this test's own group."""
    assert pid > 0, "there is no process to signal: wait until it runs"
    os.kill(pid, number)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Cluster:
    def __init__(self, *arguments, cwd=None):
        self.folder = tempfile.TemporaryDirectory()
        self.ready_file = Path(self.folder.name) / "ready.json"
        self.up = subprocess.Popen(
            [BIN / "coppice", "up", "--ready-file", self.ready_file, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd or self.folder.name)

    def __enter__(self):
        until(lambda: self.ready_file.exists() or self.up.poll() is not None, "the ready file")
        assert self.up.poll() is None, self.up.stdout.read().decode()
        return self

    def __exit__(self, *_):
        pids = self.pids()
        self.up.send_signal(signal.SIGINT)
        self.up.wait(timeout=PATIENCE_S)
        until(lambda: not any(map(is_alive, pids)), "every process to end")
        self.folder.cleanup()

    @property
    def ready(self):
        return json.loads(self.ready_file.read_text())

    @property
    def endpoint(self):
        return self.ready["gateways"][0]

    def command(self, *arguments):
        return subprocess.run([BIN / "coppice", *map(str, arguments), "--cluster", self.ready_file],
                              capture_output=True, text=True, timeout=PATIENCE_S)

    def status(self):
        done = self.command("status", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else {"nodes": []}

    def engines(self):
        return [engine for node in self.status()["nodes"] for worker in node["workers"]
                for engine in worker["engines"]]

    def pids(self):
        return [process["pid"] for process in self.ready["processes"]] + [
            engine["pid"] for engine in self.engines() if engine["pid"]]

    def pid(self, name):
        return next(p["pid"] for p in self.ready["processes"] if p["name"] == name)


class Dealer:
    """A plain DEALER client: sends maps and frames, receives maps and frames."""

    def __init__(self, endpoint, kind=zmq.DEALER):
        self.context = zmq.Context()
        self.kind = kind
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        self.socket.rcvtimeo = PATIENCE_S * 1000
        self.socket.connect(endpoint)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.destroy(linger=0)

    def send(self, header, *frames):
        raw = header if isinstance(header, bytes) else msgpack.packb(header)
        envelope = [] if self.kind == zmq.REQ else [b""]
        self.socket.send_multipart([*envelope, raw, *frames])

    def receive(self):
        parts = self.socket.recv_multipart()
        if self.kind != zmq.REQ:
            parts = parts[1:]
        return msgpack.unpackb(parts[0]), parts[1:]

    def ask(self, header, *frames):
        self.send(header, *frames)
        return self.receive()


def echo(number, data=b"abcd", **fields):
    return {"v": 1, "op": "infer", "id": number, "model": "echo", **fields,
            "inputs": [{"name": "x", "datatype": "UINT8", "shape": [len(data)], "frame": 0}]}
