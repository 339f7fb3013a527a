"""What strangers may publish: every bad arrival with the decision that it has to end in."""

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from safetensors.torch import save

from grasp_core.models.architectures import build
from tasks.contracts.keys import blob_key

Header = dict[str, Any]
MIB = 1024 * 1024


@dataclass(frozen=True)
class Case:
    """One bad arrival. publish(bucket) gives its arrival id; `late` ones are decided after the limit only."""

    name: str
    publish: Callable[[Any], str]
    code: str
    decision: str = "quarantined"
    says: str = ""  # what the decision has to name
    late: bool = False


@cache
def good(seed: int = 0) -> bytes:
    """Weights that fit."""
    torch.manual_seed(seed)
    return save(build("grasp/digits-cnn", in_channels=1, num_classes=10).state_dict())


def parts() -> tuple[Header, bytes]:
    """Give the header and the data of good weights."""
    length = int.from_bytes(good()[:8], "little")
    return json.loads(good()[8 : 8 + length]), good()[8 + length :]


def file_of(header: Header | bytes, data: bytes, *, length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (length if length is not None else len(raw)).to_bytes(8, "little") + raw + data


def with_header(change: Callable[[Header], object]) -> bytes:
    header, data = parts()
    change(header)
    return file_of(header, data)


@cache
def crowded(count: int) -> bytes:
    """A file of so many tensors that hold nothing."""
    empty = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return file_of(("{" + ",".join(f'"t{n}":{empty}' for n in range(count)) + "}").encode(), b"")


def tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> bytes:
    state = build("grasp/digits-cnn", in_channels=1, num_classes=10).state_dict()
    change(state)
    return save({name: tensor.contiguous() for name, tensor in state.items()})


def blob(name: str, content: Callable[[], bytes], code: str, says: str = "") -> Case:
    """A file that is stored and described truthfully, but is no good."""
    return Case(name, lambda bucket: bucket.publish("2014", blob=content()), code, says=says)


def manifest(name: str, says: str = "", code: str = "manifest_invalid", **changes: Any) -> Case:
    """A manifest with other values in some fields, beside a good blob."""
    return Case(
        name,
        lambda bucket: bucket.publish_as("2014", bucket.manifest("2014", blob=good()) | changes, good()),
        code,
        says=says,
    )


def raw_manifest(name: str, body: Callable[[], bytes], says: str = "") -> Case:
    return Case(
        name,
        lambda bucket: bucket.put_manifest("manifests/digits/2014/1.json", body()),
        "manifest_invalid",
        says=says,
    )


def described(name: str, stored: Callable[[], bytes | None], code: str, *, late: bool, **wrong: Any) -> Case:
    """Good weights are described, with `wrong` fields; something else is stored."""

    def publish(bucket: Any) -> str:
        document = bucket.manifest("2014", blob=good())
        document["weights"] |= wrong
        if "sha256" in wrong:
            document["weights"]["key"] = f"blobs/sha256/{wrong['sha256']}.safetensors"
        content = stored()
        if content is not None:
            bucket.store.put(document["weights"]["key"], content)
        return bucket.put_manifest("manifests/digits/2014/1.json", document)

    return Case(name, publish, code, late=late)


def entry(header: Header, name: str = "conv1.weight") -> Header:
    return header[name]


def header_length() -> int:
    return int.from_bytes(good()[:8], "little")


def alias(header: Header) -> None:
    """Two tensors of one size share their bytes."""
    header["bn1.running_mean"]["data_offsets"] = header["bn1.running_var"]["data_offsets"]


def hole() -> bytes:
    header, data = parts()
    last = max(
        (name for name in header if name != "__metadata__"), key=lambda n: header[n]["data_offsets"][0]
    )
    begin, end = header[last]["data_offsets"]
    header[last]["data_offsets"] = [begin + 8, end + 8]
    return file_of(header, data[:begin] + bytes(8) + data[begin:])


def overlap(header: Header) -> None:
    begin, end = entry(header)["data_offsets"]
    entry(header)["data_offsets"] = [begin + 4, end + 4]


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights.safetensors", good())
    return buffer.getvalue()


def checkpoint() -> bytes:
    buffer = io.BytesIO()
    torch.save(build("grasp/digits-cnn", in_channels=1, num_classes=10).state_dict(), buffer)
    return buffer.getvalue()


def twice() -> bytes:
    header, data = parts()
    raw = json.dumps(header)
    return file_of(("{" + raw[1:-1] + ", " + raw[1:]).encode(), data)


def poisoned(value: float) -> Callable[[], bytes]:
    def poison(state: dict[str, torch.Tensor]) -> None:
        state["conv2.weight"].view(-1)[-1] = value

    return lambda: tensors(poison)


def renamed(state: dict[str, torch.Tensor]) -> None:
    state["module.conv1.weight"] = state.pop("conv1.weight")


def transposed(state: dict[str, torch.Tensor]) -> None:
    state["conv2.weight"] = state["conv2.weight"].transpose(0, 2).contiguous()


TRUNCATED = {
    "in the length": lambda: 4,
    "in the header": lambda: 100,
    "at the header's end": lambda: 8 + header_length(),
    "in a tensor": lambda: 8 + header_length() + 1001,
    "by a byte": lambda: len(good()) - 1,
}
CASES = [
    *(
        blob(f"truncated {where}", lambda cut=cut: good()[: cut()], "weights_format")
        for where, cut in TRUNCATED.items()
    ),
    *(
        described(
            f"shorter than declared, cut {where}", lambda cut=cut: good()[: cut()], "blob_size", late=True
        )
        for where, cut in TRUNCATED.items()
    ),
    described("empty", lambda: b"", "blob_size", late=True),
    described("missing", lambda: None, "blob_missing", late=True),
    described("trailing bytes, not declared", lambda: good() + b"x", "blob_size", late=False),
    blob("trailing bytes, declared", lambda: good() + b"x", "weights_format"),
    described("wrong SHA", good, "blob_digest", late=False, sha256="0" * 64),
    described("declared larger", good, "blob_size", late=True, size_bytes=len(good()) + 1),
    described("declared smaller", good, "blob_size", late=False, size_bytes=len(good()) - 1),
    blob("a header of spaces", lambda: file_of(b" " * (2 * MIB), b""), "weights_format"),
    blob(
        "a header of spaces around a good one",
        lambda: file_of(b" " * MIB + json.dumps(parts()[0]).encode(), parts()[1]),
        "weights_format",
    ),
    blob("a header that claims 2^63 bytes", lambda: file_of(b"{}", b"", length=2**63), "weights_format"),
    blob(
        "a header that claims 2^64 - 1 bytes", lambda: file_of(b"{}", b"", length=2**64 - 1), "weights_format"
    ),
    blob("a header of no bytes", lambda: file_of(b"", b""), "weights_format"),
    blob("a header that is a list", lambda: file_of(b"[]", b""), "weights_format"),
    blob("a header that is not UTF-8", lambda: file_of(b'{"\xff": 1}', b""), "weights_format"),
    blob(
        "a deeply nested header",
        lambda: file_of(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b""),
        "weights_format",
    ),
    blob(
        "600,000 empty tensors",
        lambda: crowded(600_000),
        "weights_format",
    ),
    blob(
        "some thousand empty tensors",
        lambda: with_header(
            lambda h: h.update(
                {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(5000)}
            )
        ),
        "weights_tensors",
    ),
    blob(
        "half of a surrogate pair in the metadata",
        lambda: with_header(lambda h: h.update(__metadata__={"a": "\ud800"})),
        "weights_format",
    ),
    blob(
        "an offset of minus zero",
        lambda: file_of(json.dumps(parts()[0]).replace("[0, ", "[-0, ", 1).encode(), parts()[1]),
        "weights_format",
    ),
    blob(
        "a variance below 0",
        lambda: tensors(lambda t: t["bn1.running_var"].fill_(-1.0)),
        "weights_values",
        says="bn1.running_var",
    ),
    blob("duplicate keys", twice, "weights_format"),
    blob("overlapping offsets", lambda: with_header(overlap), "weights_format"),
    blob("aliased offsets", lambda: with_header(alias), "weights_format"),
    blob("a hole between offsets", hole, "weights_format"),
    blob(
        "offsets out of range",
        lambda: with_header(lambda h: entry(h).update(data_offsets=[0, 2**40])),
        "weights_format",
    ),
    blob(
        "offsets in reverse",
        lambda: with_header(lambda h: entry(h).update(data_offsets=entry(h)["data_offsets"][::-1])),
        "weights_format",
    ),
    blob(
        "negative offsets",
        lambda: with_header(lambda h: entry(h).update(data_offsets=[-8, entry(h)["data_offsets"][1]])),
        "weights_format",
    ),
    blob(
        "a shape that its bytes do not hold",
        lambda: with_header(lambda h: entry(h).update(shape=[*entry(h)["shape"][:-1], 99])),
        "weights_format",
        says="conv1.weight",
    ),
    blob(
        "a negative dimension",
        lambda: with_header(lambda h: entry(h).update(shape=[-1, *entry(h)["shape"][1:]])),
        "weights_format",
        says="conv1.weight",
    ),
    blob(
        "a dimension of 2^62",
        lambda: with_header(lambda h: entry(h).update(shape=[2**62, 2**62])),
        "weights_format",
        says="conv1.weight",
    ),
    blob(
        "a dimension that is a fraction",
        lambda: with_header(lambda h: entry(h).update(shape=[1.5])),
        "weights_format",
    ),
    blob(
        "an unknown dtype",
        lambda: with_header(lambda h: entry(h).update(dtype="F128")),
        "weights_format",
        says="F128",
    ),
    blob(
        "a parameter in float64",
        lambda: tensors(lambda s: s.update({n: t.double() for n, t in s.items() if t.is_floating_point()})),
        "weights_tensors",
        says="F64",
    ),
    blob(
        "a tensor entry with more fields",
        lambda: with_header(lambda h: entry(h).update(extra=1)),
        "weights_format",
    ),
    blob("NaN", poisoned(float("nan")), "weights_values", says="conv2.weight"),
    blob("Inf", poisoned(float("inf")), "weights_values", says="conv2.weight"),
    blob("minus Inf", poisoned(float("-inf")), "weights_values", says="conv2.weight"),
    blob(
        "a missing tensor",
        lambda: tensors(lambda s: s.pop("conv1.weight")),
        "weights_tensors",
        says="conv1.weight",
    ),
    blob(
        "an extra tensor",
        lambda: tensors(lambda s: s.update(extra=torch.zeros(1))),
        "weights_tensors",
        says="extra",
    ),
    blob("a renamed tensor", lambda: tensors(renamed), "weights_tensors", says="conv1.weight"),
    blob("a transposed tensor", lambda: tensors(transposed), "weights_tensors", says="conv2.weight"),
    blob(
        "a head of 11 classes",
        lambda: save(build("grasp/digits-cnn", in_channels=1, num_classes=11).state_dict()),
        "weights_tensors",
    ),
    blob("a pickle", lambda: pickle.dumps({"conv1.weight": [1.0]}), "weights_format"),
    blob("a torch checkpoint", checkpoint, "weights_format"),
    blob("a zip", zipped, "weights_format"),
    blob("text", lambda: b"these are no weights", "weights_format"),
    manifest(
        "11 classes",
        code="architecture",
        says="num_classes",
        architecture={"id": "grasp/digits-cnn", "in_channels": 1, "num_classes": 11},
        classes=[str(i) for i in range(11)],
    ),
    manifest("classes in another order", code="classes", says="another order", classes=list("1023456789")),
    manifest("other classes", code="classes", classes=list("abcdefghij")),
    manifest(
        "another architecture",
        code="architecture",
        says="torchvision/resnet50",
        architecture={"id": "torchvision/resnet50", "in_channels": 1, "num_classes": 10},
    ),
    manifest(
        "an unknown architecture",
        code="architecture",
        says="nobody/knows",
        architecture={"id": "nobody/knows", "in_channels": 1, "num_classes": 10},
    ),
    manifest(
        "other input channels",
        code="architecture",
        architecture={"id": "grasp/digits-cnn", "in_channels": 3, "num_classes": 10},
        input={"height": 8, "width": 8, "channels": 3, "mean": [0.5] * 3, "std": [0.5] * 3},
    ),
    manifest(
        "another input size",
        code="input",
        says="height",
        input={"height": 16, "width": 8, "channels": 1, "mean": [0.5], "std": [0.5]},
    ),
    manifest("fields of another key", code="manifest_key", says="manifests/digits/2014/2.json", rev=2),
    manifest(
        "another series than its key", code="manifest_key", says="manifests/other/2014/1.json", series="other"
    ),
    manifest("unknown fields", says="approved", approved=True),
    manifest("a newer schema version", code="newer_schema", says="schema_version is 3", schema_version=3),
    manifest("schema version 0", says="schema_version", schema_version=0),
    manifest("a schema version in words", says="schema_version", schema_version="1"),
    manifest(
        "an end before the start",
        says="before its start",
        period={"label": "2014", "start": "2014-12-31", "end": "2014-01-01"},
    ),
    manifest(
        "no such day",
        says="period.start",
        period={"label": "2014", "start": "2014-02-30", "end": "2014-12-31"},
    ),
    manifest(
        "a blob key outside blobs/",
        says="weights.key",
        weights={"sha256": "0" * 64, "size_bytes": 5, "key": "manifests/digits/2014/1.json"},
    ),
    manifest(
        "a blob key that climbs",
        says="weights.key",
        weights={
            "sha256": "0" * 64,
            "size_bytes": 5,
            "key": f"blobs/sha256/../../journal/{'0' * 64}.safetensors",
        },
    ),
    manifest("a time outside of the calendar", says="created_at", created_at="0001-01-01T00:00:00+12:00"),
    manifest("a time after it", says="created_at", created_at="9999-12-31T23:59:59-12:00"),
    manifest("seconds for a time", says="created_at", created_at="1700000000"),
    manifest(
        "seconds for a date",
        says="period.start",
        period={"label": "2014", "start": "1388534400", "end": "2014-12-31"},
    ),
    manifest(
        "a date without dashes",
        says="period.end",
        period={"label": "2014", "start": "2014-01-01", "end": "20141231"},
    ),
    manifest("../ in a name", says="series", series="../digits"),
    manifest("an upper-case name", says="series", series="Digits"),
    manifest("an empty name", says="series", series=""),
    manifest("a name of control characters", says="series", series="digits\n\x1b[2J"),
    manifest(
        "a negative size",
        says="weights.size_bytes",
        weights={"sha256": "0" * 64, "size_bytes": -1, "key": f"blobs/sha256/{'0' * 64}.safetensors"},
    ),
    raw_manifest("an empty manifest", lambda: b"", says="not JSON"),
    raw_manifest("a binary manifest", lambda: bytes(range(256)), says="not UTF-8"),
    raw_manifest("a manifest of 5 MB", lambda: b'{"a": "' + b"x" * 5_000_000 + b'"}', says="5000009 bytes"),
    raw_manifest("a deeply nested manifest", lambda: b"[" * 100_000, says="nested"),
    raw_manifest("a manifest with NaN", lambda: b'{"schema_version": 1, "metrics": {"a": NaN}}', says="NaN"),
    raw_manifest(
        "a manifest with a key twice", lambda: b'{"schema_version": 1, "rev": 1, "rev": 2}', says="twice"
    ),
    raw_manifest("a manifest with a byte order mark", lambda: b"\xef\xbb\xbf{}", says="byte order mark"),
    raw_manifest("a manifest that is a list", lambda: b"[]", says="list"),
    raw_manifest(
        "a manifest of one huge number", lambda: b'{"schema_version": ' + b"9" * 10_000 + b"}", says="JSON"
    ),
    raw_manifest(
        "a manifest with a lone surrogate", lambda: b'{"schema_version": 1, "series": "\\ud800"}', says="JSON"
    ),
    raw_manifest("half a manifest", lambda: b'{"schema_version": 1, "series": "dig', says="not JSON"),
]
CASES = [
    Case(c.name, c.publish, c.code, "parked" if c.code == "newer_schema" else c.decision, c.says, c.late)
    for c in CASES
]


class Shelf:
    """A bucket in which what is published as 2014 lies under another label."""

    def __init__(self, bucket, label: str) -> None:
        self._bucket, self._label, self.store = bucket, label, bucket.store

    def manifest(self, label: str, **given):
        period = {"label": self._label, "start": "2014-01-01", "end": "2014-12-31"}
        return self._bucket.manifest(label, **given) | {"period": period}

    def publish(self, label: str, *, blob: bytes) -> str:
        self.store.put(blob_key(hashlib.sha256(blob).hexdigest()), blob)
        return self.put_manifest("", self.manifest(label, blob=blob))

    def publish_as(self, label: str, manifest, blob: bytes) -> str:
        if manifest["period"].get("label") == "2014":
            manifest["period"]["label"] = self._label
        self.store.put(blob_key(hashlib.sha256(blob).hexdigest()), blob)
        return self.put_manifest("", manifest)

    def put_manifest(self, key: str, body) -> str:
        return self._bucket.put_manifest(f"manifests/digits/{self._label}/1.json", body)
