"""Waits on conditions of other processes, with a deadline."""
from __future__ import annotations

import time
from typing import Callable, TypeVar

from tests.lab.problem import Problem

Value = TypeVar("Value")
POLL_S = 0.1


def wait_until(condition: Callable[[], Value], what: str, limit_s: float, remedy: str = "see the console of the host") -> Value:
    """Polls until the condition holds, and returns what it returned."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise Problem(what, f"not within {limit_s:g} s", remedy)
        time.sleep(POLL_S)
