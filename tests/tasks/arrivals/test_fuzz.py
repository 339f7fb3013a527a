"""Whatever a stranger publishes is sound or refused with a reason: thousands of damaged files, drawn."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.contracts.base import Architecture
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import read_document
from tasks.errors import BadArrival, InvalidDocument, NewerSchema
from tasks.weights.files import load_source
from tests.tasks.arrivals.bad_arrivals import file_of, good, header_length, parts

pytestmark = pytest.mark.slow

DIGITS = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
MANIFEST = {
    "schema_version": 1,
    "series": "digits",
    "rev": 1,
    "period": {"label": "2014", "start": "2014-01-01", "end": "2014-12-31"},
    "architecture": DIGITS.model_dump(),
    "classes": list("0123456789"),
    "input": {"height": 8, "width": 8, "channels": 1, "mean": [0.5], "std": [0.5]},
    "weights": {"sha256": "0" * 64, "size_bytes": 5, "key": f"blobs/sha256/{'0' * 64}.safetensors"},
    "publisher": "somebody",
    "created_at": "2015-01-01T00:00:00Z",
    "metrics": {"accuracy": 0.5},
}
HOSTILE = st.sampled_from(
    [-1, 0, 2**31, 2**53 + 1, 2**63, 10**400, 1e308, -0.0, True, None, "", "\0", "\ud800", "../x", "F8_E4M3"]
)
SCALARS = HOSTILE | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
drawn = settings(
    max_examples=int(os.environ.get("EXAMPLES", "300")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Name every place inside a JSON document."""
    if isinstance(document, dict):
        inner: Any = document.items()
    elif isinstance(document, list):
        inner = enumerate(document)
    else:
        return []
    return [each for key, value in inner for each in [(*path, key), *places(value, (*path, key))]]


@st.composite
def damaged(draw: st.DrawFn, document: dict[str, Any]) -> Any:
    """Give a document in which one to three places were replaced, dropped, or given a neighbour."""
    changed: Any = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(places(changed) or [(None,)]))
        if last is None:
            break
        holder = changed
        for step in way:
            holder = holder[step]
        what = draw(st.sampled_from(["replace", "drop", "add"]))
        if what == "drop":
            del holder[last]
        elif what == "add" and isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(VALUES)
        else:
            holder[last] = draw(VALUES)
    return changed


def spoken(error: Exception) -> None:
    """Check that a refusal is one line that a terminal can show."""
    text = str(error)
    assert text.isprintable(), text
    assert len(text) < 2000, text


def sound(tmp_path: Path, content: bytes) -> bool:
    """Load a file as a source; a refusal is fine, anything else is not."""
    path = tmp_path / "source"
    path.write_bytes(content)
    try:
        module = load_source(path, DIGITS, object="blobs/x")
    except BadArrival as error:
        spoken(error)
        return False
    assert all(bool(torch.isfinite(each).all()) for each in module.state_dict().values())
    return True


def test_the_undamaged_file_and_manifest_are_sound(tmp_path: Path):
    assert sound(tmp_path, good())
    assert read_document(Manifest, json.dumps(MANIFEST).encode(), name="m").series == "digits"


@drawn
@given(header=damaged(parts()[0]))
def test_a_file_with_a_damaged_header_is_refused_or_loads(tmp_path: Path, header: Any):
    try:
        raw = json.dumps(header, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raw = json.dumps(header).encode()
    sound(tmp_path, file_of(raw, parts()[1]))


@drawn
@given(at=st.floats(0, 1, exclude_max=True), bytes_=st.binary(min_size=1, max_size=8), insert=st.booleans())
@pytest.mark.parametrize("where", ["header", "anywhere"])
def test_a_file_with_other_bytes_is_refused_or_loads(tmp_path: Path, where, at, bytes_, insert):
    content = bytearray(good())
    offset = int(at * (8 + header_length() if where == "header" else len(content)))
    content[offset : offset + (0 if insert else len(bytes_))] = bytes_
    sound(tmp_path, bytes(content))


@drawn
@given(document=damaged(MANIFEST))
def test_a_damaged_manifest_is_refused_or_reads_back_the_same(document: Any):
    try:
        manifest = read_document(Manifest, json.dumps(document).encode(), name="manifests/m.json")
    except (InvalidDocument, NewerSchema) as error:
        spoken(error)
        return
    again = manifest.model_dump_json(by_alias=True, exclude_none=True).encode()
    assert read_document(Manifest, again, name="again") == manifest


@drawn
@given(at=st.floats(0, 1, exclude_max=True), bytes_=st.binary(min_size=1, max_size=8), insert=st.booleans())
def test_a_manifest_with_other_bytes_is_refused_or_reads(at, bytes_, insert):
    content = bytearray(json.dumps(MANIFEST).encode())
    offset = int(at * len(content))
    content[offset : offset + (0 if insert else len(bytes_))] = bytes_
    try:
        read_document(Manifest, bytes(content), name="manifests/m.json")
    except (InvalidDocument, NewerSchema) as error:
        spoken(error)
