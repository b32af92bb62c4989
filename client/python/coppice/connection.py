"""The thread that owns a client's socket. It carries for a `Session` and decides nothing."""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import Callable

import zmq

from .errors import Cancelled, InternalError
from .session import Request, Session

TICK_S = 0.005
IDLE_S = 1.0
BURST = 256
# Below this a copy costs less than the bookkeeping of sharing memory with the sending thread.
SHARED_FRAME_BYTES = 64 * 1024


class Connection:
    """Runs a session on a DEALER socket until `close`. `start` and `cancel`: any thread."""

    def __init__(self, endpoints: list[str], session: Session) -> None:
        self._endpoints = endpoints
        self._session = session
        self._new: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)
        self._closed = False
        self._lock = threading.Lock()
        self._context = zmq.Context()
        try:
            self._socket = self._connect()
        except zmq.ZMQError as failure:
            self._context.destroy(linger=0)
            raise ValueError(f"{endpoints[0]}: {failure.strerror}; an endpoint is tcp://host:port") from None
        self._thread = threading.Thread(target=self._run, name="coppice-client", daemon=True)
        self._thread.start()

    def start(self, request: Request) -> None:
        self._post(lambda: self._start(request))

    def close(self) -> None:
        """Open requests end with Cancelled. May be called again."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._nudge()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _post(self, job: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                raise Cancelled("The client is closed.")
            self._new.put(job)
        self._nudge()

    def _nudge(self) -> None:
        try:
            self._wake.send(b"\0")
        except BlockingIOError:
            pass  # it is awake

    def _start(self, request: Request) -> None:
        number = self._session.start(request, time.monotonic())

        def cancelled(future) -> None:
            if future.cancelled() and not self._closed:
                self._post(lambda: self._session.cancel(number))

        request.future.add_done_callback(cancelled)

    def _connect(self) -> zmq.Socket:
        made = self._context.socket(zmq.DEALER)
        made.linger = 0
        made.sndhwm = made.rcvhwm = 0
        made.reconnect_ivl, made.reconnect_ivl_max = 100, 5000
        made.connect(self._endpoints[self._session.gateway])
        return made

    def _run(self) -> None:
        why = Cancelled("The client was closed.")
        try:
            self._loop()
        except Exception as failure:  # nobody may wait for ever because this thread ended
            self._closed = True
            why = InternalError(f"the client's thread ended: {failure!r}")
        while not self._new.empty():
            self._new.get()()
        self._session.close(why)
        self._context.destroy(linger=0)
        self._wake.close()
        self._woken.close()

    def _loop(self) -> None:
        next_tick, reconnects = 0.0, 0
        while not self._closed:
            while not self._new.empty():
                self._new.get()()
            self._receive()
            now = time.monotonic()
            if now >= next_tick:
                next_tick = now + TICK_S
                self._session.tick(now)
            if self._session.reconnects != reconnects:
                reconnects = self._session.reconnects
                self._socket.close()
                self._socket = self._connect()
            self._send()
            if self._new.empty():
                self._wait()

    def _receive(self) -> None:
        for _ in range(BURST):
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            self._session.take([part.buffer for part in parts], time.monotonic())

    def _send(self) -> None:
        for parts in self._session.outbox:
            large = any(len(part) >= SHARED_FRAME_BYTES for part in parts)
            self._socket.send_multipart(parts, zmq.DONTWAIT, copy=not large)
        self._session.outbox.clear()

    def _wait(self) -> None:
        limit = TICK_S if self._session.open else IDLE_S
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._woken, zmq.POLLIN)
        if self._woken.fileno() in dict(poller.poll(limit * 1000)):
            self._woken.recv(4096)
