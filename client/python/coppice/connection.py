"""The thread that owns a client's socket. It carries for a `Session` and decides nothing."""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import Callable

import zmq
from zmq.utils.monitor import parse_monitor_message

from .errors import Cancelled, InternalError, Overloaded, Unauthenticated
from .login import Login, named_endpoint
from .session import Request, Session

TICK_S = 0.005
IDLE_S = 0.1
BURST = 256
# Below this a copy costs less than the bookkeeping of sharing memory with the sending thread.
SHARED_FRAME_BYTES = 64 * 1024
# A connection that dropped is not made again; its socket is closed before. Without an interval (-1) libzmq closes it
# itself, and ends the process if it does so amid a message.
NEVER_MS = 3_600_000
WATCHED = (zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED
           | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
           | zmq.EVENT_HANDSHAKE_FAILED_AUTH)


class Connection:
    """Runs a session on a DEALER socket until `close`. Its other functions: any thread.

    max_open: requests without an outcome; a further one ends with Overloaded at once.
    """

    def __init__(self, endpoints: list[str], session: Session, *, max_open: int = 10_000,
                 login: Login = Login()) -> None:
        self._gateways = [named_endpoint(each) for each in endpoints]
        self._session = session
        self._max_open = max_open
        self._login = login
        self._open = 0
        self._new: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)
        self._closed = False
        self._lock = threading.Lock()
        self._context = zmq.Context()
        self._socket = self._monitor = None
        self._check()
        self._thread = threading.Thread(target=self._run, name="coppice-client", daemon=True)
        self._thread.start()

    def start(self, request: Request) -> None:
        """Begins a request; its future may be resolved when this returns."""
        with self._lock:
            if self._closed:
                raise Cancelled("The client is closed.")
            full = self._open >= self._max_open
            self._open += not full
        if full:
            request.future.set_exception(Overloaded(
                f"The client has {self._max_open} requests without an answer, which is its limit."))
            return
        request.future.add_done_callback(self._ended)
        self._post(lambda: self._start(request))

    def cancel(self, request: Request) -> None:
        """Ends the request with Cancelled; one that has ended is ignored."""
        self._post(lambda: self._session.cancel(request.number), quiet=True)

    def acknowledge(self, request: Request, seq: int) -> None:
        """The reader of the stream has every token before `seq`."""
        self._post(lambda: self._session.acknowledge(request.number, seq), quiet=True)

    def close(self) -> None:
        """Open requests end with Cancelled. May be called again."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._nudge()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _post(self, job: Callable[[], None], quiet: bool = False) -> None:
        with self._lock:
            if self._closed:
                if quiet:
                    return
                raise Cancelled("The client is closed.")
            self._new.put(job)
            self._nudge()

    def _nudge(self) -> None:
        """With the lock: the thread closes these sockets when it ends."""
        try:
            self._wake.send(b"\0")
        except BlockingIOError:
            pass  # it is awake

    def _ended(self, _) -> None:
        with self._lock:
            self._open -= 1

    def _start(self, request: Request) -> None:
        if request.future.cancelled():
            return
        self._session.start(request, time.monotonic())
        request.future.add_done_callback(lambda future: future.cancelled() and self.cancel(request))

    def _check(self) -> None:
        for endpoint, _ in self._gateways:
            probe = self._context.socket(zmq.DEALER)
            probe.linger = 0
            try:
                probe.connect(endpoint)
            except zmq.ZMQError as failure:
                self._context.destroy(linger=0)
                raise ValueError(f"{endpoint}: {failure.strerror}; an endpoint is tcp://host:port") from None
            probe.close()

    def _dial(self) -> None:
        """A new connection, which does not reconnect by itself."""
        self._hang_up()
        self._socket = made = self._context.socket(zmq.DEALER)
        made.linger = 0
        made.sndhwm = made.rcvhwm = 0
        made.reconnect_ivl = NEVER_MS
        made.connect_timeout = made.handshake_ivl = 2000
        endpoint, key = self._gateways[self._session.gateway]
        self._login.prepare(made, key)
        self._monitor = made.get_monitor_socket(WATCHED)
        made.connect(endpoint)

    def _hang_up(self) -> None:
        if self._socket is None:
            return
        self._socket.disable_monitor()
        self._socket.close()
        self._socket = self._monitor = None

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
        self._hang_up()
        self._context.destroy(linger=0)
        with self._lock:
            self._wake.close()
            self._woken.close()

    def _loop(self) -> None:
        next_tick, dials = 0.0, 0
        while not self._closed:
            while not self._new.empty():
                self._new.get()()
            self._receive()
            now = time.monotonic()
            if now >= next_tick:
                next_tick = now + TICK_S
                self._take_events()
                self._session.tick(now)
            if self._session.dials != dials:
                dials = self._session.dials
                self._dial()
            self._send()
            if self._new.empty():
                self._wait()

    def _receive(self) -> None:
        for _ in range(BURST if self._socket else 0):
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            self._session.take([part.buffer for part in parts], time.monotonic())

    def _take_events(self) -> None:
        while self._monitor and self._monitor.poll(0):
            event = parse_monitor_message(self._monitor.recv_multipart())["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._session.connected(time.monotonic())
                continue
            while self._socket.poll(0):
                self._receive()  # what came before it dropped
            self._hang_up()
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self._session.refused(Unauthenticated("The gateway does not know this user or key."), time.monotonic())
            else:
                self._session.disconnected(time.monotonic())

    def _send(self) -> None:
        for parts in self._session.outbox if self._socket else ():
            large = any(len(part) >= SHARED_FRAME_BYTES for part in parts)
            try:
                self._socket.send_multipart(parts, zmq.DONTWAIT, copy=not large)
            except zmq.Again:
                break  # the connection has dropped; its event says so
        self._session.outbox.clear()

    def _wait(self) -> None:
        limit = TICK_S if self._session.open else IDLE_S
        poller = zmq.Poller()
        poller.register(self._woken, zmq.POLLIN)
        for each in (self._socket, self._monitor):
            if each is not None:
                poller.register(each, zmq.POLLIN)
        ready = dict(poller.poll(limit * 1000))
        if self._woken.fileno() in ready:
            self._woken.recv(4096)
        if self._monitor in ready:
            self._take_events()
