"""Clients on a host that send in an open loop, by chaos_load; the auditor judges them from what they logged."""
from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, Sequence

from tests.chaos.load import Client, Kind, plan_of, sleep
from tests.lab.commands import last_lines
from tests.lab.problem import Problem
from tests.support.cluster import BIN

if TYPE_CHECKING:
    from tests.lab.lab import Lab

# On the client host.
FOLDER = Path("/opt/coppice-load")
# The answer of `flip` shows that its input was read; `sleep` is timed work, so that faults find steps in progress.
MIX = (Kind("flip"), Kind("echo"), sleep(2))


class Load:
    """One client that sends. Its program is a unit of the host, so that it can be stopped by name."""

    def __init__(self, lab: Lab, host: str, client: Client, endpoints: Sequence[str], seed: int) -> None:
        self.lab, self.host, self.client = lab, host, client
        self.unit = f"load-{client.name}"
        self.remote = FOLDER / f"{client.name}.log"
        self.log = lab.places.logs / f"{client.name}.log"
        plan, own = FOLDER / f"{client.name}.plan.json", FOLDER / client.name  # one that runs cannot be written to
        lab.put(host, [BIN / "chaos_load"], str(own))
        lab.run(host, "tee", plan, given=json.dumps(plan_of(client, list(endpoints), seed, self.remote)))
        self.process = subprocess.Popen(
            lab.ssh(host, "systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={self.unit}", own / "chaos_load", plan),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def lines(self, kind: str) -> int:
        """Of its log by now, by tests/chaos/client_log.py: S for a request, O for an outcome."""
        return int(self.lab.run(self.host, "sh", "-c", f"cat {self.remote} 2>/dev/null | grep -c '^{kind}' || true"))

    def stop_sending(self) -> None:
        """Before its seconds are over; what is open still gets its outcome."""
        self.lab.run(self.host, "systemctl", "kill", "--signal=TERM", self.unit)

    def finish(self) -> Path:
        """Waits until it has sent all and every request has its outcome. @returns its log, brought here."""
        limit_s = sum(seconds for seconds, _ in self.client.phases) + self.client.end_limit_s
        try:
            told, _ = self.process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Problem(f"the load {self.client.name} did not end", f"not within {limit_s:g} s", f"look at {self.host}") from None
        if self.process.returncode != 0:
            raise Problem(f"the load {self.client.name} failed with {self.process.returncode}", last_lines(told), f"look at {self.host}")
        self.lab.get(self.host, str(self.remote), self.log)
        return self.log

    def kill(self) -> None:
        self.lab.succeeds(self.host, "systemctl", "kill", "--signal=KILL", self.unit)
        self.process.kill()
        self.process.communicate()


@dataclass(frozen=True)
class Judgement:
    """verdict: the auditor's map; told: its sentences."""

    verdict: dict
    told: str

    @property
    def kept(self) -> bool:
        return self.verdict["kept"]

    @property
    def requests(self) -> int:
        return self.verdict["requests"]


def start_load(lab: Lab, endpoints: Sequence[str], rate: float, seconds: float, *, host: str = "client-1", name: str = "load",
               via: str = "library", mix: Sequence[Kind] = MIX, key_file: str = "", seed: int = 1) -> Load:
    """Returns when it is on its way. via: `library`, which changes gateways, or `dealer`, which stays at the first. name:
    one that is not in use; by the auditor's rule an `offender...` may get any outcome. rate: requests a second. key_file:
    on the host."""
    if via not in ("library", "dealer"):
        raise Problem(f"cannot send via {via}", "chaos_load knows library and dealer", "take one of them")
    return Load(lab, host, Client(name, via, ((seconds, rate),), tuple(mix), key_file=key_file), endpoints, seed)


def end_loads(lab: Lab) -> None:
    """Those that a scenario which failed has left."""
    for each in lab.names("client"):
        if lab.is_on(each):
            lab.succeeds(each, "systemctl", "kill", "--signal=KILL", "load-*")


def judge(lab: Lab, loads: Iterable[Load], allowed: Iterable[str] = ()) -> Judgement:
    """Waits for their ends and has them judged together. allowed: error codes that are no broken promise."""
    logs = [each.finish() for each in loads]
    faults, out = lab.places.logs / "faults.jsonl", lab.places.logs / "verdict.json"
    lab.faults.write(faults)
    out.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-m", "tests.chaos.auditor", *logs, "--allow", ",".join(allowed), "--faults", faults,
                           "--json", out], capture_output=True, text=True, cwd=lab.places.repository)
    if not out.exists():
        raise Problem("the auditor failed", last_lines(done.stderr), "see the logs of the load")
    return Judgement(json.loads(out.read_text()), done.stdout)
