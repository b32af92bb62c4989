"""Lines about what is going on, each with the seconds since the start."""
from __future__ import annotations

import time

BEGAN = time.monotonic()


def say(text: str) -> None:
    print(f"[lab {time.monotonic() - BEGAN:4.0f}s] {text}", flush=True)
