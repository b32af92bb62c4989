"""The client for threads."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future
from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np

from .connection import Connection
from .login import Login, key_pair
from .errors import InvalidRequest
from .result import Model, Result, as_generated, as_models, as_result
from .session import Request, Session
from .streams import TokenStream
from .tensors import ArrayLike, encode


class Client:
    """A client of a Coppice cluster. Thread-safe; thousands of requests may be in flight.

    endpoints: gateways, "tcp://host:port", one or several; default: COPPICE_ENDPOINT. Each client has a
    home among them, by chance; when it is gone, or silent for 0.8 s, what is open goes to the next one
    with the same keys.
    retry: repeat what the cluster calls retryable, until the deadline.
    max_open: requests without an answer; a further one ends with Overloaded at once, so that `submit`
    never blocks.
    user, password: for a gateway that asks for them (ZeroMQ's PLAIN).
    key_file: for gateways that ask for keys, which are named "tcp://host:port?key=..." with their public keys:
    the file of this client's own key pair, as `coppice keys new` makes it; default: COPPICE_KEY_FILE, or a pair
    that nobody knows.

    Raises ValueError without an endpoint, for one that ZeroMQ does not take, or for a key file that is none.
    """

    def __init__(self, endpoints: Union[str, Sequence[str], None] = None, *, retry: bool = True,
                 max_open: int = 10_000, user: str = "", password: str = "", key_file: str = "") -> None:
        given = endpoints if endpoints is not None else os.environ.get("COPPICE_ENDPOINT", "")
        listed = [each for each in (given.split(",") if isinstance(given, str) else given) if each]
        if not listed:
            raise ValueError("no gateway is named: give an endpoint, or set COPPICE_ENDPOINT")
        keys = key_pair(key_file or os.environ.get("COPPICE_KEY_FILE", ""))
        self._connection = Connection(listed, Session(endpoints=listed, retry=retry), max_open=max_open,
                                      login=Login(user, password, keys))

    def infer(self, model: str, inputs: Optional[Mapping[str, ArrayLike]] = None, **options: Any) -> Result:
        """Sends and waits: `submit(...).result()`. Raises a CoppiceError."""
        return self.submit(model, inputs, **options).result()

    def submit(self, model: str, inputs: Optional[Mapping[str, ArrayLike]] = None, *, version: int = 0,
               outputs: Sequence[str] = (), parameters: Optional[Mapping[str, Any]] = None,
               timeout: float = 30.0, priority: str = "normal", at_most_once: bool = False,
               traceparent: str = "", key: str = "") -> Future[Result]:
        """Sends; the future gets a Result or a CoppiceError, at the latest 50 ms after the deadline.
        Cancelling the future cancels the request in the cluster.

        inputs: arrays by name, batch dimension first if the model is batchable. version 0: the newest.
        outputs: the wanted ones; none: all. timeout: seconds, 0.001 to 3600. priority: critical,
        normal or batch. at_most_once: never run twice; a lost attempt ends as UnknownOutcome.
        key: names the request, for `coppice explain`; default: made here, and told by Result.key and
        CoppiceError.key. At most 256 bytes, unique: of two open requests with one key the cluster answers
        the later.
        """
        header: dict = {"op": "infer", "model": model, "version": version, "inputs": [], "class": priority}
        frames = []
        for frame, (name, value) in enumerate((inputs or {}).items()):
            described, raw = encode(name, value, frame)
            header["inputs"].append(described)
            frames.append(raw)
        optional = {"outputs": list(outputs), "parameters": dict(parameters or {}), "at_most_once": at_most_once,
                    "traceparent": traceparent, "key": key}
        header.update({name: value for name, value in optional.items() if value})
        return self._send(header, frames, timeout, as_result)

    def generate(self, model: str, tokens: Optional[Sequence[int]] = None, *, text: str = "",
                 **options: Any) -> TokenStream:
        """A stream of tokens that continue `tokens`, or `text`: `for token in client.generate(...)`.

        window: tokens that may be under way unread (1024). parameters: `max_tokens`, `seed`, ... The
        others as in `submit`. Tokens come in order and each once, whatever dies between; the stream
        raises a CoppiceError where it ends by one, ResumeExpired if it cannot go on.
        """
        return TokenStream(self._connection, generation(model, tokens, text, **options))

    def models(self, timeout: float = 5.0) -> list[Model]:
        """What the cluster serves."""
        return self._send({"op": "models"}, [], timeout, as_models).result()

    def ping(self, timeout: float = 5.0) -> None:
        """Returns when a gateway has answered. Raises DeadlineExceeded if none does."""
        self._send({"op": "ping"}, [], timeout, lambda *_: None).result()

    def close(self) -> None:
        """Open requests end with Cancelled."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, header: dict, frames: list, timeout: float, answer) -> Future:
        request = Request(header, frames, deadline_of(timeout), answer)
        self._connection.start(request)
        return request.future


def deadline_of(timeout: float) -> float:
    if not 0 < timeout <= 3600:
        raise InvalidRequest(f"timeout is {timeout}; it must be over 0 and at most 3600 seconds")
    return time.monotonic() + timeout


def generation(model: str, tokens: Optional[Sequence[int]], text: str, *, version: int = 0,
               parameters: Optional[Mapping[str, Any]] = None, timeout: float = 30.0, priority: str = "normal",
               at_most_once: bool = False, traceparent: str = "", window: int = 1024, key: str = "") -> Request:
    """The request behind `generate`."""
    if window < 1:
        raise InvalidRequest(f"window is {window}; it must be at least 1")
    prompt = np.asarray(tokens, np.int32) if tokens is not None else np.array([text], object)
    described, raw = encode("text" if tokens is None else "tokens", prompt, 0)
    header: dict = {"op": "generate", "model": model, "version": version, "inputs": [described], "class": priority,
                    "stream": True, "window": window}
    optional = {"parameters": dict(parameters or {}), "at_most_once": at_most_once, "traceparent": traceparent,
                "key": key}
    header.update({name: value for name, value in optional.items() if value})
    return Request(header, [raw], deadline_of(timeout), as_generated)
