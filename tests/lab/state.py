"""What a laboratory has made, in a file, so that another command can end it: also one that was cut off."""
from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Optional

from tests.lab.problem import Problem
from tests.lab.processes import Started


@dataclass
class State:
    hosts: list[str] = field(default_factory=list)
    # The base image that the hosts stand on.
    base: Optional[str] = None
    # The process that makes a base image, and the one that holds each host that is switched on.
    builder: Optional[Started] = None
    running: dict[str, Started] = field(default_factory=dict)
    # Folders of control groups, the outermost of each hierarchy.
    control_groups: list[str] = field(default_factory=list)
    # Whether all hosts were up once.
    complete: bool = False

    def save(self, file: Path) -> None:
        """Whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self), indent=1))
        os.replace(partial, file)


def load_state(file: Path) -> Optional[State]:
    """None: there is no laboratory."""
    try:
        raw = json.loads(file.read_text())
        builder = raw.pop("builder")
        running = {name: Started(**each) for name, each in raw.pop("running").items()}
        return State(builder=builder and Started(**builder), running=running, **raw)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as failure:
        raise Problem(f"cannot read {file}", f"{type(failure).__name__}: {failure}", "scripts/lab down") from failure
