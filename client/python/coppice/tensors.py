"""Arrays as tensors of the protocol, and back."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Union

import numpy as np

from .errors import InternalError, InvalidRequest

NUMERIC = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}
NAMES = {np.dtype(code): name for name, code in NUMERIC.items()}


@dataclass(frozen=True)
class Tensor:
    """An array sent as `datatype`, where numpy has no such type or another one is wanted.

    BF16 has no numpy type: float arrays are rounded to it, to the nearest, ties to even.
    """

    data: Any
    datatype: str


ArrayLike = Union[np.ndarray, Tensor, list, int, float, bool, str, bytes]


def to_bf16(array: np.ndarray) -> np.ndarray:
    """The upper half of each float32, rounded to the nearest, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(array), 0x7FC0, rounded).astype("<u2")


def from_bf16(raw: np.ndarray) -> np.ndarray:
    return (raw.astype(np.uint32) << 16).view(np.float32)


def to_bytes_elements(array: np.ndarray) -> bytes:
    parts = [each.encode() if isinstance(each, str) else bytes(each) for each in array.ravel().tolist()]
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def from_bytes_elements(raw: memoryview, count: int) -> np.ndarray:
    elements, at = np.empty(count, object), 0
    for number in range(count):
        if at + 4 > len(raw):
            raise InternalError("a BYTES output is shorter than its shape says")
        size = struct.unpack_from("<I", raw, at)[0]
        elements[number] = bytes(raw[at + 4:at + 4 + size])
        at += 4 + size
    return elements


def datatype_of(array: np.ndarray) -> str:
    if array.dtype.kind in "OSU":
        return "BYTES"
    try:
        return NAMES[array.dtype.newbyteorder("<")]
    except KeyError:
        raise InvalidRequest(f"numpy's {array.dtype} has no datatype of the protocol; convert the array, "
                             "or give coppice.Tensor(array, datatype)") from None


def encode(name: str, value: ArrayLike, frame: int) -> tuple[dict, bytes]:
    """An input's description and its frame. The frame is a copy: the caller may change the array.

    Raises InvalidRequest for a datatype that the protocol does not have.
    """
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    datatype = value.datatype if isinstance(value, Tensor) else datatype_of(array)
    if datatype == "BYTES":
        raw = to_bytes_elements(array)
    elif datatype == "BF16":
        raw = to_bf16(array).tobytes()
    elif datatype in NUMERIC:
        raw = array.astype(NUMERIC[datatype], copy=False).tobytes()
    else:
        raise InvalidRequest(f"'{datatype}' is not a datatype; there are {', '.join([*NUMERIC, 'BF16', 'BYTES'])}")
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "frame": frame}, raw


def decode(described: dict, frames: list) -> np.ndarray:
    """An output as an array. Numbers are a read-only view of the message; BF16 comes as float32, BYTES
    as an object array of `bytes`."""
    try:
        datatype, shape = described["datatype"], described.get("shape", [])
        raw = memoryview(frames[described["frame"]])
        if datatype == "BYTES":
            return from_bytes_elements(raw, int(np.prod(shape, dtype=np.int64))).reshape(shape)
        if datatype == "BF16":
            return from_bf16(np.frombuffer(raw, "<u2")).reshape(shape)
        return np.frombuffer(raw, NUMERIC[datatype]).reshape(shape)
    except (KeyError, IndexError, ValueError) as broken:
        raise InternalError(f"the reply does not fit docs/protocol.md: {broken!r}") from broken
