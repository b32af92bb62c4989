"""The clients of a run: processes that send by a plan in an open loop, and log what they see."""
from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

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
    sleep_ms: float = 0
    priority: str = "normal"

    def as_json(self) -> dict:
        return {"model": self.model, "weight": self.weight, "bytes": self.bytes, "timeout_ms": self.timeout_ms,
                "sleep_ms": self.sleep_ms, "class": self.priority}


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
        plan.write_text(json.dumps({
            "via": self.client.via, "endpoints": self.endpoints, "log": str(self.log), "seed": self.seed,
            "user": self.client.user, "even": self.client.even, "limit": self.client.limit,
            "phases": [{"seconds": seconds, "rate": rate} for seconds, rate in self.client.phases],
            "mix": [each.as_json() for each in self.client.mix]}))
        program = [sys.executable, "-m", "tests.chaos.python_load"] if self.client.via == "python" else [BIN / "chaos_load"]
        self.errors = open(self.folder / f"{self.client.name}.err", "w")
        self.process = subprocess.Popen(self.cluster.command(*program, plan), stderr=self.errors)

    def finish(self, *, now: bool) -> None:
        """Waits for its end; now: it is to send no more."""
        if now:
            self.process.terminate()
        longest = max(each.timeout_ms for each in self.client.mix) / 1000
        planned = 0 if now else sum(seconds for seconds, _ in self.client.phases)
        code = self.process.wait(planned + longest + END_LIMIT_S)
        self.errors.close()
        if code != 0:
            raise RuntimeError(f"{self.client.name} exited with {code}: {Path(self.errors.name).read_text()[-500:]}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
