"""A cluster of real processes on this machine, kept up by `coppice up`, as the nemesis sees it."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Optional

import msgpack
import zmq

from tests.support.cluster import BIN, is_alive, send_signal, until

ASK_MS = 300
# Kill campaigns need restarts without end: escalation has tests of its own.
TIRELESS = {"intensity": 1_000_000, "period_s": 1, "base_ms": 20, "cap_ms": 200}


def process_state(pid: int) -> str:
    """R, S, T (stopped), Z and so on; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def ask_operator(context: zmq.Context, door: str) -> Optional[dict]:
    """The whole cluster as that gateway's scheduler knows it; None if nothing good answers in time."""
    socket = context.socket(zmq.DEALER)
    try:
        socket.linger, socket.rcvtimeo = 0, ASK_MS
        socket.connect(door)
        socket.send(msgpack.packb({"v": 1, "op": "status"}))
        status = msgpack.unpackb(socket.recv())
        return None if "error" in status else status
    except zmq.ZMQError:
        return None
    finally:
        socket.close()


def engines_of(status: Optional[dict]) -> list[dict]:
    return [engine for node in (status or {}).get("nodes", []) for engine in node.get("engines", [])]


def is_up(engine: dict) -> bool:
    return engine.get("verdict") == "up" and process_state(engine.get("pid", 0)) not in ("", "Z", "T")


class Cluster:
    """`with Cluster(layout, folder) as cluster`. layout: keys of `coppice up --config`."""

    def __init__(self, layout: dict, folder: Path) -> None:
        self.layout = {"gateways": 1, "schedulers": 0, "nodes": 1, "engines": 1, **layout}
        self.folder = folder
        self.ready_file = folder / "ready.json"
        self.context = zmq.Context()
        config = folder / "up.yml"
        config.write_text(json.dumps(self.layout))
        self.output = open(folder / "up.log", "w")
        run = folder / "run"
        run.mkdir(exist_ok=True)
        self.up = subprocess.Popen([BIN / "coppice", "up", "--config", config, "--ready-file", self.ready_file],
                                   stdout=self.output, stderr=subprocess.STDOUT, cwd=folder,
                                   env={**os.environ, "XDG_RUNTIME_DIR": str(run)})

    def __enter__(self) -> Cluster:
        until(lambda: self.ready_file.exists() or self.up.poll() is not None, "the ready file")
        if self.up.poll() is not None:
            raise RuntimeError((self.folder / "up.log").read_text())
        until(self.is_whole, "the cluster to be whole")
        return self

    def __exit__(self, *_: object) -> None:
        pids = [*self.pids().values()]
        for pid in pids:
            if process_state(pid) == "T":
                send_signal(pid, signal.SIGCONT)
        self.keep_logs()
        self.up.send_signal(signal.SIGINT)
        self.up.wait(timeout=60)
        until(lambda: not any(map(is_alive, pids)), "every process to end")
        self.output.close()
        self.context.destroy(linger=0)

    def ready(self) -> dict:
        return json.loads(self.ready_file.read_text())

    @property
    def endpoints(self) -> list[str]:
        return self.ready()["gateways"]

    @property
    def log_folder(self) -> Path:
        return Path(self.ready()["operator"].removeprefix("ipc://")).parent

    def keep_logs(self) -> None:
        """`up` removes its folder when it ends."""
        kept = self.folder / "logs"
        kept.mkdir(exist_ok=True)
        for each in self.log_folder.glob("*.log"):
            shutil.copy(each, kept / each.name)

    def command(self, *words: object) -> list[str]:
        """How a client's process is started."""
        return [str(each) for each in words]

    def statuses(self) -> list[Optional[dict]]:
        """Of every gateway."""
        doors = [self.log_folder / f"{name}.sock" for name in self.processes("gateway")]
        return [ask_operator(self.context, f"ipc://{each}") for each in doors]

    def processes(self, role: str) -> dict[str, int]:
        """Pids by name of the processes that `up` keeps: gateway, scheduler, worker."""
        return {each["name"]: each["pid"] for each in self.ready()["processes"] if each["role"] == role}

    def engines(self) -> dict[str, int]:
        """Pids by name of the engines that are up."""
        status = next((each for each in self.statuses() if each), None)
        return {each["name"]: each["pid"] for each in engines_of(status) if is_up(each)}

    def pids_of(self, role: str) -> dict[str, int]:
        return self.engines() if role == "engine" else self.processes(role)

    def pids(self) -> dict[str, int]:
        roles = ("gateway", "scheduler", "worker", "engine")
        return {name: pid for role in roles for name, pid in self.pids_of(role).items()}

    def is_whole(self) -> bool:
        """Every process lives and runs, and every gateway sees every engine up."""
        kept = [each["pid"] for each in self.ready()["processes"]]
        if any(process_state(pid) in ("", "Z", "T") for pid in kept):
            return False
        wanted = self.layout["nodes"] * self.layout["engines"]
        seen = [[is_up(each) for each in engines_of(status)] for status in self.statuses()]
        return all(len(ups) == wanted and all(ups) for ups in seen)
