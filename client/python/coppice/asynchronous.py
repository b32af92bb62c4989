"""The client for asyncio."""

from __future__ import annotations

import asyncio
from typing import Any, Mapping, Optional, Sequence, Union

from .client import Client, generation
from .result import Model, Result
from .streams import AsyncTokenStream
from .tensors import ArrayLike


class AsyncClient:
    """`Client` for asyncio: same arguments, awaitable answers. Cancelling the task cancels the request."""

    def __init__(self, endpoints: Union[str, Sequence[str], None] = None, **options: Any) -> None:
        self._client = Client(endpoints, **options)

    async def infer(self, model: str, inputs: Optional[Mapping[str, ArrayLike]] = None, **options: Any) -> Result:
        """As Client.submit. Raises a CoppiceError."""
        return await asyncio.wrap_future(self._client.submit(model, inputs, **options))

    def generate(self, model: str, tokens: Optional[Sequence[int]] = None, *, text: str = "",
                 **options: Any) -> AsyncTokenStream:
        """As Client.generate: `async for token in client.generate(...)`. Called in a running loop."""
        return AsyncTokenStream(self._client._connection, generation(model, tokens, text, **options))

    async def models(self, timeout: float = 5.0) -> list[Model]:
        """What the cluster serves."""
        return await asyncio.to_thread(self._client.models, timeout)

    async def ping(self, timeout: float = 5.0) -> None:
        """Returns when a gateway has answered. Raises DeadlineExceeded if none does."""
        await asyncio.to_thread(self._client.ping, timeout)

    async def close(self) -> None:
        """Open requests end with Cancelled."""
        await asyncio.to_thread(self._client.close)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
