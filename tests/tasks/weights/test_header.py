"""A stranger's file is judged by its header alone, before any library maps it."""

import json
import pickle
import zipfile
from pathlib import Path

import pytest

from tasks.errors import BadArrival
from tasks.weights.header import check_header
from tasks.weights.tensor_spec import FLOATS, TensorSpec

EXPECTED = {"a.weight": TensorSpec((2, 3), FLOATS), "steps": TensorSpec((), ("I64",))}
GOOD = {
    "a.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "steps": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
}


def file_of(path: Path, header: dict | str | bytes, data: bytes = bytes(32)) -> Path:
    raw = (
        header
        if isinstance(header, bytes)
        else (header if isinstance(header, str) else json.dumps(header)).encode()
    )
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    return path


def changed(**entries: dict) -> dict:
    return GOOD | {
        name.replace("__", "."): GOOD.get(name.replace("__", "."), {}) | e for name, e in entries.items()
    }


def refusal(path: Path) -> BadArrival:
    with pytest.raises(BadArrival) as caught:
        check_header(path, EXPECTED, object="blobs/sha256/x.safetensors")
    assert caught.value.object == "blobs/sha256/x.safetensors"
    return caught.value


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_the_architectures_tensors_are_accepted_in_each_published_dtype(tmp_path: Path, dtype: str):
    size = 24 if dtype == "F32" else 12
    header = {
        "__metadata__": {"format": "pt"},
        "a.weight": {"dtype": dtype, "shape": [2, 3], "data_offsets": [8, 8 + size]},
        "steps": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]},
    }
    check_header(file_of(tmp_path / "w", header, bytes(8 + size)), EXPECTED, object="x")


def test_padding_after_the_header_is_accepted(tmp_path: Path):
    check_header(file_of(tmp_path / "w", json.dumps(GOOD) + " " * 7), EXPECTED, object="x")


MALFORMED = {
    "not json": "{'a': 1}",
    "not an object": "[1]",
    "not utf-8": b'{"\xff": 1}',
    "duplicate tensor": json.dumps(GOOD)[:-1] + ', "steps": ' + json.dumps(GOOD["steps"]) + "}",
    "duplicate field": json.dumps(GOOD).replace('"dtype": "F32"', '"dtype": "F32", "dtype": "F32"'),
    "metadata of numbers": {"__metadata__": {"a": 1}, **GOOD},
    "NaN": json.dumps(GOOD).replace("24]", "NaN]"),
    "deep nesting": '{"a":' + "[" * 200_000,
    "an integer of 100,000 digits": json.dumps(GOOD).replace("[2, 3]", f"[{'9' * 100_000}]"),
    "missing field": {"a.weight": {"dtype": "F32", "shape": [2, 3]}},
    "unknown field": changed(a__weight={"stride": 1}),
    "unknown dtype": changed(a__weight={"dtype": "F33"}),
    "dtype is no text": changed(a__weight={"dtype": ["F32"]}),
    "negative size": changed(a__weight={"shape": [-2, -3]}),
    "fractional size": changed(a__weight={"shape": [2.0, 3]}),
    "size is a truth value": changed(a__weight={"shape": [True, 6]}),
    "absurd size": changed(a__weight={"shape": [2**62, 4]}),
    "too many dimensions": changed(a__weight={"shape": [1] * 300 + [2, 3]}),
    "shape and bytes differ": changed(a__weight={"shape": [2, 4]}),
    "offsets reversed": changed(a__weight={"data_offsets": [24, 0]}),
    "offsets of three": changed(a__weight={"data_offsets": [0, 12, 24]}),
    "overlap": changed(steps={"data_offsets": [20, 28]}),
    "alias": changed(steps={"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}),
    "hole": changed(steps={"data_offsets": [26, 34]}),
    "out of range": changed(steps={"shape": [2], "data_offsets": [24, 40]}),
    "trailing bytes": {"a.weight": GOOD["a.weight"]},
    "too many tensors": {
        f"{n}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for n in range(20_001)
    },
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_header_is_a_format_finding(tmp_path: Path, header: dict | str | bytes):
    assert refusal(file_of(tmp_path / "w", header)).code == "weights_format"


FOREIGN = {
    "empty": b"",
    "seven bytes": b"1234567",
    "claims 2^63 bytes": (2**63).to_bytes(8, "little") + b"{}",
    "claims more than it has": (100).to_bytes(8, "little") + b"{}",
    "a pickle": pickle.dumps({"a.weight": list(range(100))}),
    "a header of spaces": (2 * 2**20).to_bytes(8, "little") + b"{}" + b" " * (2 * 2**20 - 2),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_of_another_kind_is_a_format_finding(tmp_path: Path, content: bytes):
    path = tmp_path / "w"
    path.write_bytes(content)
    assert refusal(path).code == "weights_format"


def test_a_file_that_is_no_weights_at_all_is_shown_how_it_begins(tmp_path: Path):
    (tmp_path / "w").write_text("epoch 1: loss 0.3")
    assert "begins with b'epoch 1:'" in refusal(tmp_path / "w").found


def test_a_header_of_600_000_empty_tensors_is_a_format_finding(tmp_path: Path):
    header = "{" + ",".join(f'"{n:06d}":{{"dtype":"U8","shape":[0]}}' for n in range(600_000)) + "}"
    (tmp_path / "w").write_bytes((40 * 600_000).to_bytes(8, "little") + header.encode())
    assert refusal(tmp_path / "w").code == "weights_format"


def test_a_zip_archive_is_a_format_finding(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "w", "w") as archive:
        archive.writestr("data.pkl", bytes(1000))
    assert refusal(tmp_path / "w").code == "weights_format"


WRONG = {
    "missing": ({"steps": {"dtype": "I64", "shape": [4], "data_offsets": [0, 32]}}, "a.weight"),
    "extra": (
        changed(extra={"dtype": "U8", "shape": [0], "data_offsets": [32, 32]}),
        "extra",
    ),
    "renamed": (
        {"module.a.weight": GOOD["a.weight"], "steps": GOOD["steps"]},
        "module.a.weight",
    ),
    "shape": (changed(a__weight={"shape": [3, 2]}), "a.weight"),
    "integer parameter": (changed(a__weight={"dtype": "I32"}), "a.weight"),
    "double buffer": (changed(steps={"dtype": "F64"}), "steps"),
}


@pytest.mark.parametrize(("header", "named"), WRONG.values(), ids=WRONG.keys())
def test_tensors_that_are_not_the_architectures_are_named(tmp_path: Path, header: dict, named: str):
    error = refusal(file_of(tmp_path / "w", header))
    assert error.code == "weights_tensors"
    assert named in error.found


def test_a_strangers_name_cannot_flood_the_journal(tmp_path: Path):
    header = changed(**{"\ud800" + "x" * 100_000: {"dtype": "U8", "shape": [0], "data_offsets": [32, 32]}})
    error = refusal(file_of(tmp_path / "w", header))
    assert error.found.isascii()
    assert len(error.found) < 4000
