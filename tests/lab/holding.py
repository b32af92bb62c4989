"""One command at a time works on a laboratory."""
from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from typing import Iterator, TextIO

from tests.lab.places import Places
from tests.lab.problem import Problem
from tests.lab.progress import say
from tests.lab.waiting import wait_until

END_LIMIT_S = 120


def stop(number: int, _: object) -> None:
    """So that what is half made is taken away by whoever makes it."""
    raise SystemExit(128 + number)


@contextlib.contextmanager
def holding(places: Places, end_others: bool = False) -> Iterator[None]:
    """end_others: a command that works on it is asked to end, and waited for; else that is a problem."""
    places.cache.mkdir(parents=True, exist_ok=True)
    with open(places.lock, "a+") as lock:
        if not taken(lock):
            pid = holder(lock)
            if not end_others:
                raise Problem("cannot work on the laboratory", f"process {pid} does", "wait for it, or end it by scripts/lab down")
            say(f"ending process {pid}, which works on it")
            signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGTERM)
            wait_until(lambda: taken(lock), f"the end of process {pid}", END_LIMIT_S, f"kill -9 {pid}, then scripts/lab down")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        signal.signal(signal.SIGTERM, stop)
        yield


def taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(lock: TextIO) -> int:
    lock.seek(0)
    return int(lock.read())
