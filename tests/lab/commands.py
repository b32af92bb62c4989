"""Programs of the distribution that the laboratory calls."""
from __future__ import annotations

import shlex
import subprocess
from typing import Optional

from tests.lab.problem import Problem

TOLD_LINES = 5


def run(*words: object, given: Optional[str] = None, limit_s: Optional[float] = None) -> str:
    """Returns what it wrote. @raises Problem with the last lines of its errors."""
    command = [str(each) for each in words]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=limit_s)
    except FileNotFoundError:
        raise Problem(f"cannot run {command[0]}", "it is not installed", f"install the package that has {command[0]}") from None
    except subprocess.TimeoutExpired:
        raise Problem(f"'{shlex.join(command)}' did not end", f"not within {limit_s:g} s", "see what it waits for") from None
    if done.returncode != 0:
        raise Problem(f"'{shlex.join(command)}' failed with {done.returncode}", last_lines(done.stderr or done.stdout),
                      "see the cause; then scripts/lab down and again")
    return done.stdout


def succeeds(*words: object, limit_s: Optional[float] = None) -> bool:
    try:
        return subprocess.run([str(each) for each in words], capture_output=True, timeout=limit_s).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def last_lines(text: str, count: int = TOLD_LINES) -> str:
    return "\n          ".join(text.strip().splitlines()[-count:]) or "it said nothing"
