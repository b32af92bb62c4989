"""The decisions of a client: ids, deadlines, retries, pings, changing the gateway. No sockets, no
clock: time is an argument, in seconds of a monotonic clock."""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

import msgpack

from .errors import CoppiceError, DeadlineExceeded, InternalError, UnknownOutcome, from_body

PING_PERIOD_S = 1.0
# A gateway that is silent this long while work is open is taken for gone.
SILENCE_LIMIT_S = 3.0
# How long after its deadline a request waits for the cluster's own word on it.
GRACE_S = 0.025
FIRST_RETRY_MS, LONGEST_RETRY_MS = 10, 1000
MAX_TIMEOUT_MS = 3_600_000


@dataclass
class Request:
    """A request without an outcome. `answer` makes the future's value from the reply."""

    header: dict
    frames: list
    deadline: float
    answer: Callable[[dict, list], Any]
    future: Future = field(default_factory=Future)
    tries: int = 0
    # When to send it again; None: it is with the gateway.
    send_at: Optional[float] = None


class Session:
    """Open requests of one client. Messages to send collect in `outbox`; the shell drains it.

    One request has one outcome: its future is resolved once, at the latest GRACE_S after the
    deadline if `tick` is called often enough.
    """

    def __init__(self, *, gateways: int, retry: bool = True, name: Optional[str] = None) -> None:
        self.name = name or secrets.token_hex(8)
        self.retry = retry
        self.gateways = gateways
        # Index of the gateway to talk to; the shell connects again when it changes or `reconnects` grows.
        self.gateway = 0
        self.reconnects = 0
        self.outbox: list[list] = []
        self.open: dict[int, Request] = {}
        self._last_id = 0
        self._heard = self._pinged = 0.0

    def start(self, request: Request, now: float) -> int:
        """Sends a request. Returns its id."""
        if not self.open:
            self._heard = self._pinged = now
        self._last_id += 1
        request.header.update(v=1, id=self._last_id, session=self.name)
        if request.header["op"] == "infer":
            request.header["key"] = f"{self.name}-{self._last_id}"
        self.open[self._last_id] = request
        self._send(request, now)
        return self._last_id

    def cancel(self, number: int) -> None:
        """Forgets a request and tells the cluster. Its future is the caller's."""
        if self.open.pop(number, None):
            self._put({"v": 1, "op": "cancel", "id": number, "session": self.name}, [])

    def take(self, parts: list, now: float) -> None:
        """A message from the gateway. What is no reply, or to no open request, is dropped."""
        self._heard = now
        try:
            reply = msgpack.unpackb(parts[1], strict_map_key=False)
            number = reply.get("id")
        except (ValueError, IndexError, AttributeError, msgpack.UnpackException):
            return
        request = self.open.get(number) if isinstance(number, int) else None
        if request is None:
            return
        if "error" in reply:
            return self._take_error(number, request, from_body(reply["error"]), now)
        try:
            self._finish(number, request.answer(reply, parts[2:]))
        except CoppiceError as broken:
            self._finish(number, broken)
        except (KeyError, TypeError, AttributeError) as broken:
            self._finish(number, InternalError(f"the reply does not fit docs/protocol.md: {broken!r}"))

    def tick(self, now: float) -> None:
        """What time brings: deadlines, retries, pings, a silent gateway. At least every 10 ms."""
        for number, request in list(self.open.items()):
            if now >= request.deadline + GRACE_S:
                self._finish(number, DeadlineExceeded("No answer before the deadline. Is a gateway running there?"))
            elif request.send_at is not None and now >= request.send_at:
                self._send(request, now)
        if not self.open:
            return
        if now - self._pinged >= PING_PERIOD_S:
            self._pinged = now
            self._put({"v": 1, "op": "ping", "session": self.name}, [])
        if now - self._heard >= SILENCE_LIMIT_S:
            self._next_gateway(now)

    def close(self, why: CoppiceError) -> None:
        """Ends every open request with `why`."""
        for number in list(self.open):
            self._finish(number, why)

    def _send(self, request: Request, now: float) -> None:
        request.send_at = None
        left = int((request.deadline - now) * 1000)
        request.header["timeout_ms"] = min(max(left, 1), MAX_TIMEOUT_MS)
        self._put(request.header, request.frames)

    def _put(self, header: dict, frames: list) -> None:
        self.outbox.append([b"", msgpack.packb(header), *frames])

    def _take_error(self, number: int, request: Request, why: CoppiceError, now: float) -> None:
        # Some attempt of it may have run: whether to risk a second run is not ours to say.
        once = request.header.get("at_most_once") and why.code == "worker_lost"
        hint_ms = min(FIRST_RETRY_MS << min(request.tries, 10), LONGEST_RETRY_MS)
        again = now + max(why.retry_after_ms, hint_ms) / 1000
        if not (why.retryable and self.retry and not once and again < request.deadline):
            return self._finish(number, why)
        request.tries += 1
        request.send_at = again

    def _next_gateway(self, now: float) -> None:
        self.gateway = (self.gateway + 1) % self.gateways
        self.reconnects += 1
        self._heard = now
        self.outbox.clear()
        for number, request in list(self.open.items()):
            if not request.header.get("at_most_once"):
                self._send(request, now)
            elif request.send_at is None:
                self._finish(number, UnknownOutcome("The gateway is gone; the request may have run."))

    def _finish(self, number: int, outcome: Any) -> None:
        future = self.open.pop(number).future
        if not future.set_running_or_notify_cancel():
            return
        if isinstance(outcome, CoppiceError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
