"""How a client says who it is, and how it knows its gateways."""

from __future__ import annotations

from typing import NamedTuple, Optional

import zmq
from zmq.auth import load_certificate
from zmq.utils import z85

KEY_MARK = "?key="


def named_endpoint(text: str) -> tuple[str, Optional[bytes]]:
    """"tcp://host:port?key=..." as what ZeroMQ dials, and the public key of the gateway; None if it names none.
    Raises ValueError for a key that is none."""
    endpoint, mark, key = text.partition(KEY_MARK)
    if not mark:
        return text, None
    try:
        if len(key) == 40 and len(z85.decode(key)) == 32:
            return endpoint, key.encode()
    except Exception:  # z85 raises whatever its arithmetic does
        pass
    raise ValueError(f"{text}: what stands behind '?key=' is no public key of 40 characters")


def key_pair(file: str) -> tuple[bytes, bytes]:
    """Public and secret key of a file; of no file, a pair that nobody knows. Raises ValueError."""
    if not file:
        return zmq.curve_keypair()
    try:
        public, secret = load_certificate(file)
    except (OSError, ValueError) as failure:
        raise ValueError(f"{file}: no CURVE key pair ({failure}); make one with 'coppice keys new'") from None
    if secret is None:
        raise ValueError(f"{file}: it has no secret key; name the file that 'coppice keys new' made")
    return public, secret


class Login(NamedTuple):
    user: str = ""
    password: str = ""
    keys: tuple[bytes, bytes] = (b"", b"")

    def prepare(self, socket: zmq.Socket, gateway_key: Optional[bytes]) -> None:
        """Before the socket connects: by key to a gateway whose key is known, else by password if there is one."""
        if gateway_key is not None:
            socket.curve_serverkey = gateway_key
            socket.curve_publickey, socket.curve_secretkey = self.keys
        elif self.user:
            socket.plain_username, socket.plain_password = self.user.encode(), self.password.encode()
