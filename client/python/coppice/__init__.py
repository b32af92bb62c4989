"""A client of a Coppice inference cluster: numpy in, numpy out.

    import coppice
    with coppice.Client("tcp://127.0.0.1:5555") as client:
        logits = client.infer("digits", {"image": images})["logits"]
        for token in client.generate("count", [1, 2, 3]):
            print(token)

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
from .result import Generated, Model, Result, TensorSpec, Timing
from .streams import AsyncTokenStream, TokenStream

__all__ = [
    "AsyncClient", "AsyncTokenStream", "Cancelled", "Client", "CoppiceError", "DeadlineExceeded", "Forbidden",
    "Generated", "InternalError", "InvalidRequest", "KeyReused", "Model", "ModelError", "NotFound", "Overloaded",
    "Poison", "QuotaExceeded", "ResumeExpired", "Result", "Tensor", "TensorSpec", "Timing", "TokenStream",
    "Unauthenticated", "Unavailable", "UnknownOutcome", "WorkerLost",
]
