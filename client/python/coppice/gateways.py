"""Which gateway a client talks to, when it is dialled, pinged and left. No sockets, no clock: time is
an argument, in seconds of a monotonic clock."""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Callable, Sequence

# Nothing came for so long, nor was it pinged, while work is open: it is pinged.
PING_AFTER_S = 0.3
# A connected gateway that is silent this long while work is open is left: soon enough that work goes on within a second of its loss.
SILENCE_LIMIT_S = 0.8
# A connection that does not stand by then has failed.
DIAL_LIMIT_S = 1.5
# A pause before the next dial is uniform between LEAST_PAUSE_S and an upper bound that doubles with
# every round over all gateways, up to LONGEST_PAUSE_S.
LEAST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
# A gap between two looks that is longer than this is the client's own.
OWN_DELAY_S = 0.1


class Act(Enum):
    NOTHING = 0
    DIAL = 1
    PING = 2


class Link(Enum):
    APART = 0
    DIALLING = 1
    CONNECTED = 2


def gateway_order(session: str, endpoints: Sequence[str]) -> list[int]:
    """Gateways in the order in which the session prefers them: by rendezvous hash, so that sessions
    spread over gateways, and those of one that dies over the others."""
    def score(number: int) -> bytes:
        return hashlib.blake2b(f"{session}\0{endpoints[number]}".encode(), digest_size=8).digest()

    return sorted(range(len(endpoints)), key=score, reverse=True)


class GatewayWatch:
    """While another gateway has not been tried, work that is open moves there at once; else, and
    without open work, the next dial comes after a random pause, so that the clients of a gateway that
    died do not return together. A watch whose own owner slept does not blame the gateway."""

    def __init__(self, order: Sequence[int], draw: Callable[[], float]) -> None:
        self._order = order
        self._draw = draw
        self._at = 0
        self._link = Link.APART
        self._failures = 0  # connections lost in a row without a word from a gateway
        self._dial_at = self._heard = self._ping_at = self._looked = float("-inf")
        self._was_busy = False

    @property
    def gateway(self) -> int:
        return self._order[self._at]

    @property
    def is_connected(self) -> bool:
        return self._link is Link.CONNECTED

    def next(self, now: float, busy: bool) -> Act:
        """What to do now; at least every 10 ms while work is open (`busy`)."""
        if not self._was_busy or now - self._looked > OWN_DELAY_S:
            self._heard = now
        self._looked = now
        if busy and not self._was_busy and self._link is Link.APART:
            self._dial_at = min(self._dial_at, now + LEAST_PAUSE_S)
        self._was_busy = busy
        if self._link is Link.DIALLING and now - self._dial_at >= DIAL_LIMIT_S:
            self.lost(now, busy)
        if self.is_connected and busy and now - self._heard >= SILENCE_LIMIT_S:
            self.lost(now, busy)
        if self._link is Link.APART and now >= self._dial_at:
            self._link, self._dial_at = Link.DIALLING, now
            return Act.DIAL
        if not self.is_connected or not busy or now < self._ping_at:
            return Act.NOTHING
        self._ping_at = now + PING_AFTER_S
        return Act.PING

    def connected(self, now: float) -> None:
        """The connection that was dialled stands. Its first ping is the caller's."""
        self._link = Link.CONNECTED
        self._heard, self._ping_at = now, now + PING_AFTER_S

    def heard(self, now: float) -> None:
        """Something came from the gateway."""
        self._heard, self._ping_at, self._failures = now, now + PING_AFTER_S, 0

    def lost(self, now: float, busy: bool) -> None:
        """The connection failed or dropped."""
        if self._link is Link.APART:
            return
        self._link = Link.APART
        self._failures += 1
        self._at = (self._at + 1) % len(self._order)
        untried = self._failures % len(self._order) != 0
        self._dial_at = now if busy and untried else now + self._pause()

    def _pause(self) -> float:
        rounds = min(self._failures // len(self._order), 10)
        upper = min(LONGEST_PAUSE_S, LEAST_PAUSE_S * (1 << rounds))
        return LEAST_PAUSE_S + (upper - LEAST_PAUSE_S) * self._draw()
