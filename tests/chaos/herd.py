"""Many clients that stand idle and come back when their gateway does: python -m tests.chaos.herd ENDPOINT
COUNT. Prints `connected N` whenever all are connected, and on each end of a connection starts over.

Speaks just enough of ZMTP 3.0 (RFC 23): one descriptor a client instead of a socket's threads and pipes.
"""
from __future__ import annotations

import asyncio
import random
import resource
import sys
from time import monotonic

from tests.support.zmtp import GREETING, READY

# Pauses before another try: full jitter, doubling.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
AT_ONCE = 500
LIMIT_S = 10.0
PING, PONG = b"\x04PING", b"\x04\x05\x04PONG"


class Herd:
    def __init__(self, endpoint: str, count: int) -> None:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.host, self.port, self.count = host, int(port), count
        self.connected = 0
        self.began = monotonic()
        self.gate = asyncio.Semaphore(AT_ONCE)
        self.draws = random.Random(1)

    async def run(self) -> None:
        await asyncio.gather(*(self.client() for _ in range(self.count)))

    async def client(self) -> None:
        tries = 0
        while True:
            try:
                await self.stay()
                tries = 0
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                pass
            tries += 1
            await asyncio.sleep(self.draws.uniform(0, min(FIRST_PAUSE_S * 2 ** tries, LONGEST_PAUSE_S)))

    async def stay(self) -> None:
        """One connection, from its handshake to its end."""
        writer = None
        async with self.gate:
            reader, writer = await asyncio.wait_for(self.open(), LIMIT_S)
        self.count_in(1)
        try:
            while data := await reader.read(256):
                if PING in data:
                    writer.write(PONG)
        finally:
            self.count_in(-1)
            writer.close()

    async def open(self):
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=1024)
        writer.write(GREETING + bytes([4, len(READY)]) + READY)
        try:
            await reader.readexactly(len(GREETING))
            size = (await reader.readexactly(2))[1]
            await reader.readexactly(size)
        except BaseException:
            writer.close()
            raise
        return reader, writer

    def count_in(self, by: int) -> None:
        self.connected += by
        if self.connected == self.count:
            print(f"connected {self.count}", flush=True)


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(Herd(sys.argv[1], int(sys.argv[2])).run())


if __name__ == "__main__":
    main()
