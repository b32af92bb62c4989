"""Arrays keep their values and shapes through the protocol."""
import re
from pathlib import Path

import numpy as np
import pytest

import coppice
from coppice.errors import BY_CODE
from coppice.tensors import NUMERIC, Tensor, decode, encode


def through(value):
    described, raw = encode("x", value, 0)
    return described, decode(described, [raw])


@pytest.mark.parametrize("datatype", NUMERIC)
def test_every_number_type_comes_back_as_it_went(datatype):
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(NUMERIC[datatype])
    described, back = through(array)
    assert described["datatype"] == datatype and described["shape"] == [2, 3]
    assert back.dtype == array.dtype and (back == array).all()


def test_big_endian_and_strided_arrays_are_sent_in_order():
    array = np.arange(12, dtype=">i4").reshape(3, 4)[:, ::2]
    assert (through(array)[1] == array).all()


def test_text_and_bytes_are_bytes():
    described, back = through(np.array([["a", "ü"], ["", "xyz"]]))
    assert described["datatype"] == "BYTES" and described["shape"] == [2, 2]
    assert back.tolist() == [[b"a", "ü".encode()], [b"", b"xyz"]]


def test_scalars_and_empty_arrays_keep_their_shape():
    assert through(np.float32(2.5))[1].shape == ()
    assert through(np.zeros((0, 3), np.float32))[1].shape == (0, 3)


def test_bf16_rounds_to_nearest_even_and_keeps_nan_and_infinity():
    #                 exact; tie to even down; tie to even up; special values
    values = np.array([1.5, 1 + 2**-8, 1 + 3 * 2**-8, np.inf, -np.inf, np.nan], np.float32)
    described, back = through(Tensor(values, "BF16"))
    assert described["datatype"] == "BF16"
    np.testing.assert_array_equal(back, np.array([1.5, 1, 1 + 2**-6, np.inf, -np.inf, np.nan], np.float32))


def test_types_without_a_datatype_are_refused_with_the_remedy():
    with pytest.raises(coppice.InvalidRequest, match="coppice.Tensor"):
        encode("x", np.zeros(1, np.complex64), 0)
    with pytest.raises(coppice.InvalidRequest, match="is not a datatype"):
        encode("x", Tensor([1.0], "FP8"), 0)


@pytest.mark.parametrize("described", [
    {"datatype": "FP32", "shape": [3], "frame": 0}, {"datatype": "FP32", "shape": [1], "frame": 1},
    {"datatype": "FP8", "shape": [1], "frame": 0}, {"datatype": "BYTES", "shape": [9], "frame": 0}])
def test_outputs_that_do_not_fit_are_internal_errors(described):
    with pytest.raises(coppice.InternalError):
        decode(described, [b"\0\0\0\0"])


def test_there_is_one_exception_for_each_code_of_the_protocol():
    page = (Path(__file__).parents[3] / "docs/protocol.md").read_text().split("## Errors")[1]
    codes = re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.M)
    assert {code for code, _ in codes} == set(BY_CODE)
    for code, _ in codes:
        assert BY_CODE[code].code == code and BY_CODE[code].__name__ in coppice.__all__
