"""Scenarios: functions that get a laboratory and assert, step by step; and the report of their runs."""
from __future__ import annotations

import contextlib
import json
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable, Iterator, Optional

from tests.lab.lab import Lab
from tests.lab.load import end_loads
from tests.lab.problem import Problem
from tests.lab.progress import say


@dataclass
class Step:
    name: str
    seconds: float
    passed: bool


@dataclass
class Report:
    """Of one scenario, which says here what it does. figures: what it measured, by name with the unit."""

    name: str
    shows: str
    steps: list[Step] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    not_shown: list[str] = field(default_factory=list)
    seconds: float = 0
    failure: Optional[str] = None

    @property
    def passed(self) -> bool:
        return self.failure is None

    def as_json(self) -> dict:
        return {**asdict(self), "passed": self.passed}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        began, passed = time.monotonic(), False
        try:
            yield
            passed = True
        finally:
            seconds = time.monotonic() - began
            self.steps.append(Step(name, round(seconds, 3), passed))
            say(f"{'ok    ' if passed else 'FAILED'} {seconds:6.1f} s  {name}")

    def figure(self, name: str, value: float) -> None:
        self.figures[name] = value
        say(f"{name}: {value:,.6g}")

    def cannot_show(self, what: str, why: str) -> None:
        """Of a part that this machine lacks the means for: never passed over in silence."""
        self.not_shown.append(f"{what}: {why}")
        say(f"skipped  {what}: {why}")


Act = Callable[[Lab, Report], None]


@dataclass(frozen=True)
class Scenario:
    """hosts: it needs all of these. fresh: and every host as it was installed."""

    name: str
    shows: str
    act: Act
    hosts: tuple[str, ...]
    fresh: bool


SCENARIOS: dict[str, Scenario] = {}


def scenario(*hosts: str, fresh: bool = False) -> Callable[[Act], Act]:
    """Makes a function a scenario, with its name (blanks are dashes) and its docstring, which is one line."""
    def register(act: Act) -> Act:
        name = act.__name__.replace("_", "-")
        SCENARIOS[name] = Scenario(name, act.__doc__ or "", act, hosts, fresh)
        return act
    return register


def play(lab: Lab, chosen: Scenario) -> Report:
    """From a laboratory without faults. A scenario that fails ends itself alone."""
    report, began = Report(chosen.name, chosen.shows), time.monotonic()
    try:
        lacking = [each for each in chosen.hosts if each not in lab.machines]
        if lacking:
            raise Problem(f"cannot run {chosen.name}", f"the laboratory has no {', '.join(lacking)}", "scripts/lab up with more --hosts")
        lab.faults.heal_all()
        clear_logs(lab)
        if chosen.fresh:
            lab.reinstall(*(each for each in lab.machines if each not in lab.untouched))
        lab.untouched.clear()
        chosen.act(lab, report)
    except Exception as failure:  # whatever it is, the others are still to be run
        report.failure = told(failure)
        end_loads(lab)
    report.seconds = round(time.monotonic() - began, 3)
    return report


def told(failure: Exception) -> str:
    if isinstance(failure, Problem):
        return failure.told()
    return "".join(traceback.format_exception(failure)[-2:]).strip()


def clear_logs(lab: Lab) -> None:
    """Of scenarios before; consoles go on."""
    for each in lab.places.logs.glob("*"):
        if each.suffix != ".console":
            each.unlink()


def keep_evidence(lab: Lab, name: str, folder: Path) -> None:
    """Consoles, logs of playbooks and loads, and the hosts' journals."""
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    for each in lab.places.logs.glob("*"):
        (folder / each.name).write_bytes(each.read_bytes())
    for each in lab.machines:
        with contextlib.suppress(Problem):
            (folder / f"{each}.journal").write_text(lab.run(each, "journalctl", "--no-pager", "--output=short-precise"))


def write_json(file: Path, reports: list[Report], skipped: Optional[str]) -> None:
    file.write_text(json.dumps({"skipped": skipped, "scenarios": [each.as_json() for each in reports]}, indent=1) + "\n")
