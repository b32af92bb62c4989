"""What a cluster answers."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from .tensors import decode


@dataclass(frozen=True)
class Timing:
    """Where the time went, in microseconds; and how many attempts it took."""

    queue_us: int = 0
    batch_us: int = 0
    compute_us: int = 0
    total_us: int = 0
    attempts: int = 0


@dataclass(frozen=True)
class Result:
    """Outputs by name, and the model and version that made them. key: of the request, for `coppice explain`."""

    outputs: dict[str, np.ndarray]
    model: str
    version: int
    timing: Timing = field(default_factory=Timing)
    key: str = ""

    def __getitem__(self, name: str) -> np.ndarray:
        return self.outputs[name]


@dataclass(frozen=True)
class Generated:
    """How a stream ended: how many tokens it has, and the model and version that made them. key: of the
    request, for `coppice explain`."""

    tokens: int
    model: str
    version: int
    timing: Timing = field(default_factory=Timing)
    key: str = ""


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model; -1 in `shape` is any size. Without the batch dimension."""

    name: str
    datatype: str
    shape: list[int]


@dataclass(frozen=True)
class Model:
    """A model that the cluster serves."""

    name: str
    version: int
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    batchable: bool = False
    max_batch: int = 1
    any_inputs: bool = False


def known(kind, given: dict) -> dict:
    """The entries that `kind` has a field for: later versions of the protocol may add keys."""
    names = {each.name for each in fields(kind)}
    return {key: value for key, value in given.items() if key in names}


def as_result(reply: dict, frames: list) -> Result:
    outputs = {each["name"]: decode(each, frames) for each in reply.get("outputs", [])}
    return Result(outputs, reply.get("model", ""), reply.get("version", 0),
                  Timing(**known(Timing, reply.get("timing", {}))))


def as_generated(reply: dict, frames: list) -> Generated:
    last = sum(each["shape"][0] for each in reply.get("outputs", []) if each["name"] == "tokens")
    return Generated(reply.get("seq", 0) + last, reply.get("model", ""), reply.get("version", 0),
                     Timing(**known(Timing, reply.get("timing", {}))))


def as_models(reply: dict, _: list) -> list[Model]:
    def spec(each: dict) -> TensorSpec:
        return TensorSpec(each["name"], each.get("datatype", ""), each.get("shape", []))

    return [Model(**{"version": 0, **known(Model, each), "inputs": [spec(i) for i in each.get("inputs", [])],
                     "outputs": [spec(o) for o in each.get("outputs", [])]}) for each in reply.get("models", [])]
