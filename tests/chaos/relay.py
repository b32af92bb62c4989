"""A TCP relay between clients and a gateway that can delay bytes, deliver messages twice, or stand still with its
connections open."""
from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import dataclass
from typing import Callable, Iterator, Optional

CHUNK = 65536
# Chunks under way in one direction of one connection; then the relay reads no more: TCP pushes back.
UNDER_WAY = 256


# ZMTP 3 (rfc.zeromq.org/spec/23): a greeting, then frames of flags, size and body; messages end with a frame without MORE.
GREETING_BYTES, SIGNATURE = 64, b"\xff"
MORE, LONG, COMMAND = 1, 2, 4


class Messages:
    """Finds the messages in what comes of one direction of a connection. What does not begin as ZMTP is passed on as it is."""

    def __init__(self) -> None:
        self.pending = bytearray()
        self.greeting = GREETING_BYTES
        self.is_zmtp: Optional[bool] = None

    def split(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Pieces of what came, in order, and whether each is a message of the application."""
        if self.is_zmtp is None:
            self.is_zmtp = data.startswith(SIGNATURE)
        if not self.is_zmtp:
            yield data, False
            return
        self.pending += data
        if self.greeting:
            size = min(self.greeting, len(self.pending))
            self.greeting -= size
            yield self.take(size), False
        while not self.greeting and (size := self.message_size()):
            is_message = not self.pending[0] & COMMAND
            yield self.take(size), is_message

    def take(self, size: int) -> bytes:
        taken = bytes(self.pending[:size])
        del self.pending[:size]
        return taken

    def message_size(self) -> int:
        """Of the first message; 0: it is not here as a whole."""
        end = 0
        while len(self.pending) > end + 1:
            flags = self.pending[end]
            head = 9 if flags & LONG else 2
            end += head + int.from_bytes(self.pending[end + 1:end + head], "big")
            if end > len(self.pending):
                return 0
            if not flags & MORE:
                return end
        return 0


class Relay:
    """Runs on a thread of its own from construction to `close`. `endpoint` is where clients connect."""

    def __init__(self, target: str) -> None:
        host, port = target.removeprefix("tcp://").rsplit(":", 1)
        self.target = (host, int(port))
        self.delay_s = 0.0
        self.doubled_share = 0.0
        self.draws = random.Random(1)
        self.loop = asyncio.new_event_loop()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.accept, "127.0.0.1", 0))
        self.endpoint = "tcp://127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, name="relay", daemon=True)
        self.thread.start()

    def set_delay(self, seconds: float) -> None:
        self.loop.call_soon_threadsafe(setattr, self, "delay_s", seconds)

    def set_doubled(self, share: float) -> None:
        self.loop.call_soon_threadsafe(setattr, self, "doubled_share", share)

    def set_flowing(self, flowing: bool) -> None:
        self.loop.call_soon_threadsafe(self.flowing.set if flowing else self.flowing.clear)

    def close(self) -> None:
        async def end() -> None:
            self.server.close()
            others = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
            for each in others:
                each.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        to_gateway = None
        try:
            gateway, to_gateway = await asyncio.open_connection(*self.target)
            await asyncio.gather(self.carry(client, to_gateway), self.carry(gateway, to_client))
        except (OSError, ConnectionError, asyncio.CancelledError):
            pass  # one side is gone, or the relay: the other learns it by the close below
        finally:
            for each in (to_client, to_gateway):
                if each is not None:
                    each.close()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue = asyncio.Queue(UNDER_WAY)
        reading = asyncio.create_task(self.read(source, under_way))
        try:
            while (next_one := await under_way.get()) is not None:
                due, data = next_one
                await asyncio.sleep(max(0.0, due - self.loop.time()))
                await self.flowing.wait()
                sink.write(data)
                await sink.drain()
            raise ConnectionResetError
        finally:
            reading.cancel()

    async def read(self, source: asyncio.StreamReader, under_way: asyncio.Queue) -> None:
        messages = Messages()
        try:
            while data := await source.read(CHUNK):
                for piece, is_message in messages.split(data):
                    twice = is_message and self.draws.random() < self.doubled_share
                    await under_way.put((self.loop.time() + self.delay_s, piece * (1 + twice)))
        except ConnectionError:
            pass
        await under_way.put(None)


@dataclass(frozen=True)
class LinkFault:
    """What the relay before one gateway does from `begin` to `end`."""

    name: str
    begin: Callable[[Relay], None]
    end: Callable[[Relay], None]

    def targets(self, cluster) -> list[str]:
        return [each.endpoint for each in cluster.relays]

    def aim(self, cluster, target: str):
        relay, = (each for each in cluster.relays if each.endpoint == target)
        return lambda: self.strike(relay)

    def strike(self, relay: Relay):
        self.begin(relay)
        return lambda: self.end(relay)


def slow_link(seconds: float) -> LinkFault:
    """Every byte takes that much longer, each way."""
    return LinkFault(f"delay of {seconds * 1000:.0f} ms", lambda relay: relay.set_delay(seconds), lambda relay: relay.set_delay(0.0))


# Connections stay open and nothing passes.
HALF_OPEN = LinkFault("half-open link", lambda relay: relay.set_flowing(False), lambda relay: relay.set_flowing(True))
# Half of the messages, each way, come twice.
DUPLICATES = LinkFault("duplicates", lambda relay: relay.set_doubled(0.5), lambda relay: relay.set_doubled(0.0))
