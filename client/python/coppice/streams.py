"""Streams of tokens for threads and for asyncio."""

from __future__ import annotations

import asyncio
import queue
from typing import Any, Callable, Iterator, Optional

from .connection import Connection
from .result import Generated
from .session import Request, Stream


class TokenStream:
    """Iterates over the tokens of a stream, in order, each once, whatever dies between; ends with the
    stream, or raises its CoppiceError. One reader. What it does not read the cluster holds back: at most
    `window` tokens are under way.

    result: how the stream ended; None while it runs. Leaving a `with` block cancels it.
    """

    def __init__(self, connection: Connection, request: Request) -> None:
        self.result: Optional[Generated] = None
        self._parts: queue.SimpleQueue = queue.SimpleQueue()
        self._reader = Reader(connection, request, self._parts.put)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        while not self._reader.has_token():
            if self._reader.is_over():
                self.result = self._reader.result()
                raise StopIteration
            self._reader.take(self._parts.get())
        return self._reader.token()

    def cancel(self) -> None:
        """The reader gets Cancelled behind what has arrived."""
        self._reader.cancel()

    def __enter__(self) -> TokenStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()


class AsyncTokenStream:
    """`TokenStream` for `async for`."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self.result: Optional[Generated] = None
        loop = asyncio.get_running_loop()
        self._parts: asyncio.Queue = asyncio.Queue()
        self._reader = Reader(connection, request,
                              lambda part: loop.call_soon_threadsafe(self._parts.put_nowait, part))

    def __aiter__(self) -> AsyncTokenStream:
        return self

    async def __anext__(self) -> int:
        while not self._reader.has_token():
            if self._reader.is_over():
                self.result = self._reader.result()
                raise StopAsyncIteration
            self._reader.take(await self._parts.get())
        return self._reader.token()

    def cancel(self) -> None:
        """The reader gets Cancelled behind what has arrived."""
        self._reader.cancel()

    async def __aenter__(self) -> AsyncTokenStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()


class Reader:
    """What both share: parts that `put` was given come back by `take`; tokens leave one by one and are
    acknowledged as they are read."""

    def __init__(self, connection: Connection, request: Request, put: Callable[[Any], None]) -> None:
        self._connection = connection
        self._request = request
        self._half = (request.header["window"] + 1) // 2
        self._part: list[int] = []
        self._at = 0
        self._seen = self._acknowledged = 0
        self._over = False
        request.stream = Stream(deliver=put)
        connection.start(request)
        request.future.add_done_callback(lambda _: put(None))

    def take(self, part: Optional[list[int]]) -> None:
        self._over = part is None
        self._part, self._at = part or [], 0

    def has_token(self) -> bool:
        return self._at < len(self._part)

    def is_over(self) -> bool:
        return self._over

    def token(self) -> int:
        token = self._part[self._at]
        self._at += 1
        self._seen += 1
        if self._seen - self._acknowledged >= self._half:
            self._acknowledged = self._seen
            self._connection.acknowledge(self._request, self._seen)
        return token

    def result(self) -> Generated:
        return self._request.future.result()

    def cancel(self) -> None:
        self._connection.cancel(self._request)
