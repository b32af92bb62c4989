"""The decisions of a client: ids, deadlines, retries, what is sent again after a connection was lost,
streams without gap or repeat. No sockets, no clock: time is an argument, in seconds of a monotonic
clock."""

from __future__ import annotations

import heapq
import random
import secrets
from collections import deque
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Callable, Optional, Sequence

import msgpack
import numpy as np

from .errors import Cancelled, CoppiceError, DeadlineExceeded, InternalError, UnknownOutcome, from_body
from .gateways import Act, GatewayWatch, gateway_order
from .result import Generated, Result

# How long after its deadline a request waits for the cluster's own word on it.
GRACE_S = 0.025
FIRST_RETRY_MS, LONGEST_RETRY_MS = 10, 1000
MAX_TIMEOUT_MS = 3_600_000
# Requests sent each turn (5 ms) after a connection was made: resubmissions come paced.
SENT_A_TURN = 128


class Place(Enum):
    WAITING = 0  # for a connection, or its turn
    SENT = 1  # the gateway has it, perhaps
    RESTING = 2  # until `again_at`, after an error that is worth another try


@dataclass
class Stream:
    """What makes a request a stream. `deliver` gets new tokens in order, each once."""

    deliver: Callable[[list[int]], None]
    tokens: list[int] = field(default_factory=list)
    # Tokens that the reader has taken, as far as it has said: the window counts from there.
    acknowledged: int = 0
    # It was asked for again from there; what else arrives is from before.
    resuming: bool = False


@dataclass
class Request:
    """A request without an outcome. `answer` makes the future's value from the reply."""

    header: dict
    frames: list
    deadline: float
    answer: Callable[[dict, list], Any]
    future: Future = field(default_factory=Future)
    stream: Optional[Stream] = None
    # Its id in the session; 0 before it was started.
    number: int = 0
    where: Place = Place.WAITING
    again_at: float = 0.0
    tries: int = 0
    # Incarnation of the gateway's process that it was sent to last; 0: unknown.
    sent_to: int = 0


class Session:
    """Open requests of one client. Messages to send collect in `outbox`; the shell drains it, and makes
    a new connection to `gateway` when `dials` grows.

    One request has one outcome: its future is resolved once, at the latest GRACE_S after the deadline
    if `tick` is called every 5 ms. What was sent to a gateway that is gone goes to the next one with the
    same key; an at-most-once request only back to the same process, else it ends with UnknownOutcome.
    """

    def __init__(self, *, endpoints: Sequence[str], retry: bool = True, name: Optional[str] = None,
                 draw: Callable[[], float] = random.random) -> None:
        self.name = name or secrets.token_hex(8)
        self.retry = retry
        self.dials = 0
        self.outbox: list[list] = []
        self.open: dict[int, Request] = {}
        self._draw = draw
        self._watch = GatewayWatch(gateway_order(self.name, endpoints), draw)
        self._waiting: deque[int] = deque()
        self._alarms: list[tuple[float, int]] = []
        self._last_id = 0
        self._acked = 0  # every request up to it has ended
        self._incarnation = 0
        self._gateway_known = False

    @property
    def gateway(self) -> int:
        """Index of the endpoint to talk to."""
        return self._watch.gateway

    def start(self, request: Request, now: float) -> int:
        """Begins a request. Returns its id."""
        self._last_id += 1
        number = request.number = self._last_id
        request.header.update(v=1, id=number, session=self.name)
        if request.header["op"] in ("infer", "generate"):
            request.header.setdefault("key", f"{self.name}-{number}")
        self.open[number] = request
        self._alarm(request.deadline + GRACE_S, number)
        self._send_or_queue(number, request, now)
        return number

    def cancel(self, number: int) -> None:
        """Ends a request, here and in the cluster. One that has ended is ignored."""
        if number not in self.open:
            return
        if self._watch.is_connected:
            self._put({"v": 1, "op": "cancel", "id": number, "session": self.name}, [])
        self._finish(number, Cancelled("The client cancelled the request."))

    def take(self, parts: list, now: float) -> None:
        """A message from the gateway. What is no reply, or to no open request, is dropped."""
        self._watch.heard(now)
        try:
            reply = msgpack.unpackb(parts[1], strict_map_key=False)
            number = reply.get("id")
        except (ValueError, IndexError, AttributeError, msgpack.UnpackException):
            return
        if number is None and "error" not in reply:
            return self._learn_gateway(reply, now)
        request = self.open.get(number) if isinstance(number, int) else None
        if request is None:
            return
        if "error" in reply:
            return self._take_error(number, request, from_body(reply["error"]), now)
        try:
            if request.stream and not self._take_chunk(number, request, reply, parts[2:], now):
                return
            outcome = request.answer(reply, parts[2:])
        except CoppiceError as broken:
            outcome = broken
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as broken:
            outcome = InternalError(f"the reply does not fit docs/protocol.md: {broken!r}")
        self._finish(number, outcome)

    def tick(self, now: float) -> None:
        """What time brings: deadlines, retries, pings, a silent gateway. Every 5 ms while work is open."""
        while self._alarms and self._alarms[0][0] <= now:
            self._ring(heapq.heappop(self._alarms)[1], now)
        stood = self._watch.is_connected
        act = self._watch.next(now, bool(self.open))
        if stood and not self._watch.is_connected:
            self._lose_connection()
        if act is Act.DIAL:
            self.dials += 1
        elif act is Act.PING:
            self._ping()
        self._send_waiting(now)

    def connected(self, now: float) -> None:
        self._watch.connected(now)
        self._incarnation, self._gateway_known = 0, False
        self._ping()
        self._send_waiting(now)

    def disconnected(self, now: float) -> None:
        self._watch.lost(now, bool(self.open))
        self._lose_connection()

    def refused(self, why: CoppiceError, now: float) -> None:
        """The gateway refuses this client: every open request ends with `why`."""
        self._watch.lost(now, bool(self.open))
        self.close(why)

    def acknowledge(self, number: int, seq: int) -> None:
        """The stream's reader has every token before `seq`. Opens the gateway's window by halves."""
        request = self.open.get(number)
        if request is None:
            return
        stream, window = request.stream, request.header["window"]
        if min(seq, len(stream.tokens)) - stream.acknowledged < (window + 1) // 2:
            return
        stream.acknowledged = min(seq, len(stream.tokens))
        if request.where is not Place.SENT:
            return  # the next gateway is told when it is asked
        self._put({"v": 1, "op": "ack", "id": number, "session": self.name, "key": request.header["key"],
                   "seq": stream.acknowledged}, [])

    def close(self, why: CoppiceError) -> None:
        """Ends every open request with `why`."""
        for number in list(self.open):
            self._finish(number, copy(why))  # each tells its own key

    # --- sending

    def _may_send(self, request: Request) -> bool:
        """What may run once waits for the gateway to say which process it is."""
        once = request.header.get("at_most_once", False)
        return self._watch.is_connected and (not once or self._gateway_known)

    def _send_or_queue(self, number: int, request: Request, now: float) -> None:
        if not self._waiting and self._may_send(request):
            return self._send(request, now)
        request.where = Place.WAITING
        self._waiting.append(number)

    def _send_waiting(self, now: float) -> None:
        held, sent = [], 0
        while self._waiting and sent < SENT_A_TURN and self._watch.is_connected:
            number = self._waiting.popleft()
            request = self.open.get(number)
            if request is None or request.where is not Place.WAITING:
                continue
            if not self._may_send(request):
                held.append(number)
            elif self._would_run_twice(request):
                self._finish(number, UnknownOutcome("The gateway is gone; the request may have run."))
            else:
                self._send(request, now)
                sent += 1
        self._waiting.extendleft(reversed(held))

    def _would_run_twice(self, request: Request) -> bool:
        same_process = self._incarnation and request.sent_to == self._incarnation
        return request.header.get("at_most_once") and request.header.get("again") and not same_process

    def _send(self, request: Request, now: float) -> None:
        left = int((request.deadline - now) * 1000)
        header = request.header
        header["timeout_ms"] = min(max(left, 1), MAX_TIMEOUT_MS)
        header["acked"] = self._acked
        request.where, request.sent_to = Place.SENT, self._incarnation
        stream = request.stream
        if stream is None or not stream.tokens:
            return self._put(header, request.frames)
        header["seq"] = len(stream.tokens)
        header["unread"] = len(stream.tokens) - stream.acknowledged
        header["emitted"] = np.array(stream.tokens, "<i4").tobytes()
        stream.resuming = True
        self._put(header, request.frames)

    def _ping(self) -> None:
        self._put({"v": 1, "op": "ping", "session": self.name, "acked": self._acked}, [])

    def _put(self, header: dict, frames: list) -> None:
        self.outbox.append([b"", msgpack.packb(header), *frames])

    # --- connections

    def _lose_connection(self) -> None:
        """What was sent waits for the next connection, oldest first."""
        self.outbox.clear()
        self._gateway_known = False
        sent = [number for number, request in self.open.items() if request.where is Place.SENT]
        for number in sent:
            self.open[number].header["again"] = True
            self.open[number].where = Place.WAITING
        self._waiting.extendleft(sorted(sent, reverse=True))

    def _learn_gateway(self, pong: dict, now: float) -> None:
        incarnation = pong.get("incarnation", 0)
        self._incarnation = incarnation if isinstance(incarnation, int) else 0
        self._gateway_known = True
        self._send_waiting(now)

    # --- what arrives

    def _take_error(self, number: int, request: Request, why: CoppiceError, now: float) -> None:
        # Some attempt of it may have run: whether to risk a second run is not ours to say.
        once = request.header.get("at_most_once") and why.code == "worker_lost"
        hint_ms = min(FIRST_RETRY_MS << min(request.tries, 10), LONGEST_RETRY_MS)
        again = now + max(why.retry_after_ms, hint_ms) / 1000 * (1 + self._draw() / 2)
        if not (why.retryable and self.retry and not once and again < request.deadline):
            return self._finish(number, why)
        request.tries += 1
        request.header.pop("again", None)  # that try is over
        request.where, request.again_at = Place.RESTING, again
        self._alarm(again, number)

    def _take_chunk(self, number: int, request: Request, reply: dict, frames: list, now: float) -> bool:
        """Returns whether the stream is whole and over."""
        stream, seq = request.stream, reply.get("seq", 0)
        tokens = tokens_of(reply, frames)
        have = len(stream.tokens)
        if seq > have:  # a gap: asked for again from the first token that is missing, once
            if not stream.resuming and request.where is Place.SENT:
                request.header["again"] = True
                self._send(request, now)
            return False
        stream.resuming = False
        fresh = tokens[have - seq:]
        if fresh:
            stream.tokens.extend(fresh)
            stream.deliver(fresh)
        return bool(reply.get("final"))

    # --- time

    def _ring(self, number: int, now: float) -> None:
        request = self.open.get(number)
        if request is None:
            return
        if now >= request.deadline + GRACE_S:
            self._finish(number, DeadlineExceeded("No answer before the deadline. Is a gateway running there?"))
        elif request.where is Place.RESTING and now >= request.again_at:
            self._send_or_queue(number, request, now)

    def _alarm(self, at: float, number: int) -> None:
        heapq.heappush(self._alarms, (at, number))
        if len(self._alarms) > 4 * len(self.open) + 4096:  # most are of ended requests
            self._alarms = [alarm for alarm in self._alarms if alarm[1] in self.open]
            heapq.heapify(self._alarms)

    def _finish(self, number: int, outcome: Any) -> None:
        request = self.open.pop(number)
        future, key = request.future, request.header.get("key", "")
        while self._acked < self._last_id and self._acked + 1 not in self.open:
            self._acked += 1
        if not future.set_running_or_notify_cancel():
            return
        if isinstance(outcome, CoppiceError):
            outcome.key = key
            future.set_exception(outcome)
        elif isinstance(outcome, (Result, Generated)):
            future.set_result(replace(outcome, key=key))
        else:
            future.set_result(outcome)


def tokens_of(reply: dict, frames: list) -> list[int]:
    """The tokens of a chunk, from the output "tokens"."""
    for output in reply.get("outputs", []):
        if output["name"] == "tokens":
            raw = frames[output["frame"]] if "frame" in output else output.get("data", b"")
            return raw if isinstance(raw, list) else np.frombuffer(raw, "<i4").tolist()
    return []
