"""The clients of a run: processes that send by a plan in an open loop, and log what they see."""
from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from tests.support.cluster import BIN

# How long a client may take to end after it was told to stop sending, beyond its longest deadline.
END_LIMIT_S = 30


@dataclass(frozen=True)
class Kind:
    """One kind of request; fields as in tests/chaos/load_plan.hpp."""

    model: str
    weight: float = 1
    bytes: int = 64
    timeout_ms: int = 5000
    priority: str = "normal"
    parameters: Optional[dict] = None

    def as_json(self) -> dict:
        sent = {"model": self.model, "weight": self.weight, "bytes": self.bytes, "timeout_ms": self.timeout_ms, "class": self.priority}
        return sent if self.parameters is None else {**sent, "parameters": self.parameters}


def sleep(ms: float, weight: float = 1, **fields) -> Kind:
    """Timed work."""
    return Kind("sleep", weight, parameters={"ms": ms}, **fields)


@dataclass(frozen=True)
class Client:
    """One client process. via: `library` (C++), `dealer` (plain, C++) or `python` (its library). phases:
    (seconds, requests a second). A name that begins with `offender` may end with any error. even: at even distances instead of Poisson's."""

    name: str
    via: str
    phases: tuple[tuple[float, float], ...]
    mix: tuple[Kind, ...]
    even: bool = False
    limit: int = 10_000_000
    # PLAIN user of a `dealer`; empty: none.
    user: str = ""
    # Of a `library`: the file of its key pair, where it runs.
    key_file: str = ""

    @property
    def end_limit_s(self) -> float:
        """After it sends no more, what is open gets its outcome within that."""
        return max(each.timeout_ms for each in self.mix) / 1000 + END_LIMIT_S


def plan_of(client: Client, endpoints: list[str], seed: int, log: Path) -> dict:
    """What chaos_load reads, by tests/chaos/load_plan.hpp."""
    return {"via": client.via, "endpoints": endpoints, "log": str(log), "seed": seed, "user": client.user, "key_file": client.key_file, "even": client.even,
            "limit": client.limit, "phases": [{"seconds": seconds, "rate": rate} for seconds, rate in client.phases],
            "mix": [each.as_json() for each in client.mix]}


@dataclass
class LoadProcess:
    client: Client
    cluster: object
    endpoints: list[str]
    seed: int
    folder: Path
    process: subprocess.Popen = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / f"{self.client.name}.log"
        plan = self.folder / f"{self.client.name}.plan.json"
        plan.write_text(json.dumps(plan_of(self.client, self.endpoints, self.seed, self.log)))
        program = [sys.executable, "-m", "tests.chaos.python_load"] if self.client.via == "python" else [BIN / "chaos_load"]
        self.errors = open(self.folder / f"{self.client.name}.err", "w")
        self.process = subprocess.Popen(self.cluster.command(*program, plan), stderr=self.errors)

    def stop_sending(self) -> None:
        self.process.terminate()

    def finish(self) -> None:
        """Waits for its end, after `stop_sending`: what is open gets its outcome."""
        code = self.process.wait(self.client.end_limit_s)
        self.errors.close()
        if code != 0:
            raise RuntimeError(f"{self.client.name} exited with {code}: {Path(self.errors.name).read_text()[-500:]}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
