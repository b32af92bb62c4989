"""A client of a Coppice inference cluster: numpy in, numpy out.

    import coppice
    with coppice.Client("tcp://127.0.0.1:5555") as client:
        logits = client.infer("digits", {"image": images})["logits"]

`AsyncClient` is the same for asyncio. Every error of docs/protocol.md is an exception of its own,
a subclass of `CoppiceError`.
"""

from .asynchronous import AsyncClient
from .client import Client
from .errors import (
    Cancelled,
    CoppiceError,
    DeadlineExceeded,
    Forbidden,
    InternalError,
    InvalidRequest,
    KeyReused,
    ModelError,
    NotFound,
    Overloaded,
    Poison,
    QuotaExceeded,
    ResumeExpired,
    Unauthenticated,
    Unavailable,
    UnknownOutcome,
    WorkerLost,
)
from .tensors import Tensor
from .result import Model, Result, TensorSpec, Timing

__all__ = [
    "AsyncClient", "Cancelled", "Client", "CoppiceError", "DeadlineExceeded", "Forbidden", "InternalError",
    "InvalidRequest", "KeyReused", "Model", "ModelError", "NotFound", "Overloaded", "Poison", "QuotaExceeded",
    "ResumeExpired", "Result", "Tensor", "TensorSpec", "Timing", "Unauthenticated", "Unavailable", "UnknownOutcome",
    "WorkerLost",
]
