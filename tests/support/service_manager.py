"""A service manager as a process sees it: the datagram socket that NOTIFY_SOCKET names (sd_notify(3))."""
import os
import socket
import subprocess
import time

from tests.support.cluster import BIN, PATIENCE_S


class ServiceManager:
    """Starts one server as systemd would, and hears what it tells."""

    def __init__(self, folder, watchdog_s=1.5):
        self.address = f"{folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.settimeout(PATIENCE_S)
        self.watchdog_us = int(watchdog_s * 1e6)
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self.socket.close()

    def start(self, program, *arguments):
        environment = {**os.environ, "NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(self.watchdog_us)}
        self.process = subprocess.Popen([BIN / program, *map(str, arguments)], env=environment)

    def next(self):
        """What is told next, as a map."""
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def next_with(self, key, words=""):
        """Passes over what comes before a message that has `key` with these words in its value."""
        while key not in (told := self.next()) or words not in told[key]:
            pass
        return told

    def wait(self):
        """Listens on until the process has ended: one that is not heard waits for the room to speak. Returns its status."""
        end = time.monotonic() + PATIENCE_S
        self.socket.settimeout(0.05)
        while self.process.poll() is None:
            assert time.monotonic() < end, f"the process did not end within {PATIENCE_S} s"
            try:
                self.socket.recv(4096)
            except TimeoutError:
                pass
        return self.process.returncode
