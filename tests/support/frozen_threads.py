"""Single threads of a process, halted by ptrace: what a thread that hangs does to the rest of its process."""
import ctypes
import os
from pathlib import Path

import pytest

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
ALL_CHILDREN = 0x40000000  # __WALL: threads too
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        number = ctypes.get_errno()
        if number == 1:
            pytest.skip("no right to trace processes (ptrace)")
        raise OSError(number, os.strerror(number))


def threads_named(pid, names):
    tasks = Path(f"/proc/{pid}/task")
    return [int(task.name) for task in tasks.iterdir() if (task / "comm").read_text().strip() in names]


class FrozenThreads:
    """`with FrozenThreads(pid, names)`: all threads of those names stand still."""

    def __init__(self, pid, names):
        self.threads = threads_named(pid, names)
        assert self.threads, f"process {pid} has no thread {' or '.join(names)}"

    def __enter__(self):
        for thread in self.threads:
            ptrace(SEIZE, thread)
            ptrace(INTERRUPT, thread)
            os.waitpid(thread, ALL_CHILDREN)
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            ptrace(DETACH, thread)
