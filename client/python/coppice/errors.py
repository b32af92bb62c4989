"""One exception for each error code of docs/protocol.md."""

from __future__ import annotations


class CoppiceError(Exception):
    """A request that ended with an error.

    code: the name in docs/protocol.md. message: one sentence. retryable: whether the same request
    may succeed later. retry_after_ms: when, or 0 if the cluster cannot say. key: of the request, for
    `coppice explain`; empty if it never had one.
    """

    code = "internal"

    def __init__(self, message: str, *, retryable: bool = False, retry_after_ms: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.key = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" (request {self.key})" if self.key else "")


class InvalidRequest(CoppiceError):
    """The request is malformed or does not fit the model."""

    code = "invalid"


class Unauthenticated(CoppiceError):
    """The client is not known."""

    code = "unauthenticated"


class Forbidden(CoppiceError):
    """The client may not do this."""

    code = "forbidden"


class NotFound(CoppiceError):
    """No such model, version or request."""

    code = "not_found"


class QuotaExceeded(CoppiceError):
    """The tenant's quota is used up."""

    code = "quota"


class Overloaded(CoppiceError):
    """The queue is full."""

    code = "overloaded"


class Unavailable(CoppiceError):
    """No engine serves this model now."""

    code = "unavailable"


class DeadlineExceeded(CoppiceError, TimeoutError):
    """The deadline passed before an answer."""

    code = "deadline"


class Cancelled(CoppiceError):
    """The request was cancelled, or its client closed."""

    code = "cancelled"


class WorkerLost(CoppiceError):
    """Engines died under every attempt."""

    code = "worker_lost"


class Poison(CoppiceError):
    """The request killed its engine twice."""

    code = "poison"


class ModelError(CoppiceError):
    """The model raised an error for this input."""

    code = "model_error"


class KeyReused(CoppiceError):
    """The key was used with another input."""

    code = "key_reused"


class UnknownOutcome(CoppiceError):
    """An at-most-once attempt was lost."""

    code = "unknown_outcome"


class ResumeExpired(CoppiceError):
    """The stream can no longer be resumed."""

    code = "resume_expired"


class InternalError(CoppiceError):
    """A defect in the cluster."""

    code = "internal"


BY_CODE = {each.code: each for each in CoppiceError.__subclasses__()}


def from_body(body: dict) -> CoppiceError:
    """The exception for a reply's `error` map. A code that this client does not know is internal."""
    kind = BY_CODE.get(body.get("code", ""), InternalError)
    return kind(body.get("message", ""), retryable=body.get("retryable", False),
                retry_after_ms=body.get("retry_after_ms", 0))
