"""The documents: what DESIGN shows is read, what breaks a rule is refused with the field named."""

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from grasp_core.config import AbsorbConfig
from tasks.contracts import keys, schemas
from tasks.contracts.dataset import Dataset
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import MAX_DOCUMENT_BYTES, read_document
from tasks.contracts.target import AbsorbSettings, Target
from tasks.errors import InvalidDocument, NewerSchema

DOCS = Path(__file__).parents[3] / "docs" / "schemas"
HEX = "0123456789abcdef" * 4
CLASSES = [str(i) for i in range(10)]
INPUT = {
    "height": 224,
    "width": 224,
    "channels": 3,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}
MANIFEST: dict[str, Any] = {
    "schema_version": 1,
    "series": "digits",
    "rev": 1,
    "period": {"label": "2014", "start": "2014-01-01", "end": "2014-12-31"},
    "architecture": {"id": "torchvision/resnet50", "in_channels": 3, "num_classes": 10},
    "classes": CLASSES,
    "input": INPUT,
    "weights": {"sha256": HEX, "size_bytes": 94357120, "key": f"blobs/sha256/{HEX}.safetensors"},
    "publisher": "team-a",
    "created_at": "2026-11-21T00:00:00Z",
    "metrics": {"val_accuracy": 0.93},
}
TARGET: dict[str, Any] = {
    "schema_version": 1,
    "name": "digits-now",
    "series": ["digits"],
    "architecture": {"id": "torchvision/resnet50", "in_channels": 3, "num_classes": 10},
    "classes": CLASSES,
    "input": INPUT,
    "dataset": f"datasets/digits-now/{HEX}/dataset.json",
    "absorb": {
        "mode": "guarded",
        "folds": 4,
        "threshold": 0.3,
        "alignment_batches": 1,
        "epochs": 3,
        "initial_epochs": 3,
        "lr": 5e-5,
        "weight_decay": 0.01,
        "batch_size": 32,
        "seed": 0,
        "augment": "none",
    },
    "gate": {"policy": "non_inferior", "margin": 0.01, "confidence": 0.95},
    "late": "append",
    "paused": False,
}
DATASET: dict[str, Any] = {
    "schema_version": 1,
    "name": "digits-now",
    "classes": CLASSES,
    "input": {"height": 8, "width": 8, "channels": 1, "mean": [0.5], "std": [0.5]},
    "splits": {
        split: {
            "samples": 45,
            "images": {"file": f"{split}-images.npy", "sha256": HEX, "size_bytes": 3008},
            "labels": {"file": f"{split}-labels.npy", "sha256": HEX, "size_bytes": 488},
            "ids": {"file": f"{split}-ids.json", "sha256": HEX, "size_bytes": 540},
        }
        for split in ("train", "val", "gate", "test")
    },
}
EXAMPLES = [(Manifest, MANIFEST, "manifest"), (Target, TARGET, "target"), (Dataset, DATASET, "dataset")]


def changed(document: dict[str, Any], path: str, value: object) -> bytes:
    """Give the document's bytes with the value at a dotted path replaced; ... leaves it out."""
    new = copy.deepcopy(document)
    *parents, last = path.split(".")
    place = new
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(new).encode()


@pytest.mark.parametrize(("model", "example", "name"), EXAMPLES)
def test_the_documented_examples_are_read(model, example, name):
    document = read_document(model, json.dumps(example).encode(), name=name)
    back = document.model_dump_json(by_alias=True, exclude_none=True).encode()
    assert read_document(model, back, name=name) == document


@pytest.mark.parametrize(("model", "example", "name"), EXAMPLES)
def test_the_published_schemas_accept_the_documented_examples(model, example, name):
    jsonschema.validate(example, json.loads((DOCS / f"{name}.json").read_text()))


def test_the_published_schemas_are_those_of_the_code():
    assert {path.name: path.read_text() for path in DOCS.glob("*.json")} == schemas.schemas()


def test_the_command_writes_every_schema(tmp_path: Path):
    schemas.write(tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(schemas.schemas())


@pytest.mark.parametrize("field", ["metrics", "publisher", "created_at"])
def test_a_manifest_may_leave_out_what_is_optional(field: str):
    assert getattr(read_document(Manifest, changed(MANIFEST, field, ...), name="m"), field) is None


@pytest.mark.parametrize("field", ["absorb", "gate", "late", "paused"])
def test_a_target_may_leave_out_what_has_a_default(field: str):
    whole = read_document(Target, json.dumps(TARGET).encode(), name="t")
    assert read_document(Target, changed(TARGET, field, ...), name="t") == whole


def test_a_target_may_name_a_window():
    body = json.dumps(TARGET | {"from": "2014-01-01", "until": "2014-12-31"}).encode()
    target = read_document(Target, body, name="t")
    assert str(target.from_) == "2014-01-01"
    jsonschema.validate(json.loads(body), json.loads((DOCS / "target.json").read_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("series", "Digits"),
        ("series", ""),
        ("series", "../x"),
        ("series", "a" * 64),
        ("series", "digits\n"),
        ("series", "-a"),
        ("series", ...),
        ("rev", 0),
        ("rev", 1_000_000_000),
        ("rev", 1.0),
        ("rev", "1"),
        ("rev", True),
        ("rev", None),
        ("period.label", "2014/15"),
        ("period.label", "a.b"),
        ("period.start", "2015-01-01"),
        ("period.start", "2014-02-30"),
        ("period.start", "2014-1-1"),
        ("period.start", 1388534400),
        ("period.start", "2014-01-01T00:00:00Z"),
        ("architecture.id", "resnet50"),
        ("architecture.id", "torchvision/ResNet50"),
        ("architecture.id", "torchvision/a/b"),
        ("architecture.in_channels", 4),
        ("architecture.num_classes", 11),
        ("architecture.num_classes", -1),
        ("architecture.num_classes", 2**62),
        ("classes", CLASSES[:9]),
        ("classes", [*CLASSES[:9], "0"]),
        ("classes", [*CLASSES[:9], ""]),
        ("classes", [*CLASSES[:9], 9]),
        ("classes", {}),
        ("classes", "0123456789"),
        ("input.mean", [0.5]),
        ("input.std", [0.2, 0.2, 0.0]),
        ("input.height", 0),
        ("input.height", 1e3),
        ("weights.sha256", HEX.upper()),
        ("weights.sha256", HEX[:-1]),
        ("weights.size_bytes", 0),
        ("weights.size_bytes", -1),
        ("weights.size_bytes", 2**63),
        ("weights.key", f"{HEX}.safetensors"),
        ("weights.key", f"blobs/sha256/../sha256/{HEX}.safetensors"),
        ("weights.key", f"s3://other/blobs/sha256/{HEX}.safetensors"),
        ("weights.key", f"blobs/sha256/{'f' * 64}.safetensors"),
        ("publisher", ""),
        ("publisher", "x" * 1001),
        ("created_at", "2026-11-21T00:00:00"),
        ("created_at", "yesterday"),
        ("created_at", 1795219200),
        ("metrics.val_accuracy", "0.9"),
        ("metrics.val_accuracy", {"a": 1}),
        ("unknown", 1),
        ("weights.unknown", 1),
        ("schema_version", 0),
        ("schema_version", "1"),
        ("schema_version", True),
        ("schema_version", ...),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused_by_field(path: str, value: object):
    with pytest.raises(InvalidDocument) as caught:
        read_document(Manifest, changed(MANIFEST, path, value), name="the-key")
    assert str(caught.value).startswith("the-key: ")
    fields = {"architecture": ("architecture", "num_classes", "channels"), "period": ("period",)}
    first = path.split(".")[0]
    assert any(name in str(caught.value) for name in fields.get(first, (first,)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
        (b"null", "is a JSON NoneType"),
        (b"[]", "is a JSON list"),
        (b'"text"', "is a JSON str"),
        (bytes(range(256)), "is not UTF-8 at byte"),
        (b"\x00\x01", "is not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (json.dumps(MANIFEST).encode("utf-16"), "is not UTF-8"),
        (b"{" * 100_000, "nested deeper than 8"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "nested deeper than 8"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "at most 262144 are read"),
        (b'{"schema_version": 1, "schema_version": 1}', "key 'schema_version' stands twice"),
        (b'{"schema_version": 1, "schema\\u005fversion": 1}', "stands twice"),
        (b'{"schema_version": 1, "metrics": {"a": 1, "a": 2}}', "key 'a' stands twice"),
        (b'{"schema_version": NaN}', "holds NaN"),
        (b'{"schema_version": -Infinity}', "holds -Infinity"),
        (b'{"schema_version": 1} {}', "is not JSON"),
        (b'{"schema_version": 1,}', "is not JSON"),
        (b"{'schema_version': 1}", "is not JSON"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "is not JSON"),
        (json.dumps(MANIFEST).replace("0.93", "1e999").encode(), "metrics.val_accuracy"),
        (json.dumps(MANIFEST).replace("team-a", "\\ud800").encode(), "Invalid JSON"),
    ],
)
def test_bytes_that_are_no_document_are_refused(body: bytes, said: str):
    with pytest.raises(InvalidDocument) as caught:
        read_document(Manifest, body, name="k")
    assert said in str(caught.value)


def test_brackets_and_quotes_inside_strings_are_no_depth():
    text = json.dumps(MANIFEST | {"publisher": '[[[[[[[[[[{{{{{{{{{{"\\"\\\\'}).encode()
    assert read_document(Manifest, text, name="k").publisher


def test_a_newer_schema_is_told_before_its_fields_are_judged():
    with pytest.raises(NewerSchema, match="schema_version is 3"):
        read_document(Manifest, b'{"schema_version": 3, "anything": true}', name="k")
    with pytest.raises(NewerSchema, match="schema_version is 2"):
        read_document(Target, b'{"schema_version": 2, "anything": true}', name="k")


PARENT = {"weights_sha256": "e" * 64, "target": "digits-now", "registry_version": 3}


def test_a_parent_needs_the_schema_version_that_older_readers_park():
    named = MANIFEST | {"parent": PARENT}
    with pytest.raises(InvalidDocument, match="parent is named with schema_version 1, needs 2"):
        read_document(Manifest, json.dumps(named).encode(), name="k")
    manifest = read_document(Manifest, json.dumps(named | {"schema_version": 2}).encode(), name="k")
    assert manifest.parent
    assert manifest.parent.words == "version 3 of digits-now (weights eeeeeeeeeeee)"


def test_a_parent_is_a_version_of_a_target_or_weights_alone():
    for absent in ("target", "registry_version"):
        half = {key: value for key, value in PARENT.items() if key != absent}
        with pytest.raises(InvalidDocument, match="needs both or neither"):
            read_document(
                Manifest, json.dumps(MANIFEST | {"schema_version": 2, "parent": half}).encode(), name="k"
            )
    alone = MANIFEST | {"schema_version": 2, "parent": {"weights_sha256": "e" * 64}}
    assert (
        read_document(Manifest, json.dumps(alone).encode(), name="k").parent.words == "weights eeeeeeeeeeee"
    )


def test_what_a_stranger_wrote_reaches_a_message_as_printable_text():
    body = changed(MANIFEST, "evil\n\x1b[31m", 1)
    with pytest.raises(InvalidDocument) as caught:
        read_document(Manifest, body, name="k")
    assert str(caught.value).isprintable()


def test_a_manifest_lies_where_its_fields_say():
    manifest = read_document(Manifest, json.dumps(MANIFEST).encode(), name="m")
    assert manifest.key == "manifests/digits/2014/1.json"
    assert keys.parse_manifest_key(manifest.key) == ("digits", "2014", 1)


@pytest.mark.parametrize(
    "key",
    [
        "manifests/digits/2014/01.json",
        "manifests/digits/2014/0.json",
        "manifests/digits/2014/1.json ",
        "manifests/digits/2014/1.json\n",
        "manifests/digits/2014/1.JSON",
        "manifests/digits/2014/x/1.json",
        "manifests/digits/1.json",
        "manifests//2014/1.json",
        "manifests/../2014/1.json",
        "manifests/Digits/2014/1.json",
        "manifests/digits/2014/1234567890.json",
        "manifests/digits/2014/\u0661.json",
        "Manifests/digits/2014/1.json",
    ],
)
def test_a_key_outside_the_contract_is_a_stray(key: str):
    assert keys.parse_manifest_key(key) is None


def test_an_arrival_is_named_by_its_key():
    assert keys.arrival_id("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("series", []),
        ("series", ["digits", "digits"]),
        ("dataset", "datasets/digits-now/dataset.json"),
        ("dataset", f"datasets/../{HEX}/dataset.json"),
        ("absorb.mode", "blind"),
        ("absorb.epochs", 0),
        ("absorb.initial_epochs", 0),
        ("absorb.unknown", 1),
        ("absorb.lr", 0),
        ("gate.policy", "never"),
        ("gate.confidence", 1),
        ("gate.margin", -0.1),
        ("late", "ignore"),
        ("paused", "no"),
        ("until", "2014"),
    ],
)
def test_a_target_that_breaks_a_rule_is_refused_by_field(path: str, value: object):
    with pytest.raises(InvalidDocument, match=path.split(".")[-1] if "." not in path else path):
        read_document(Target, changed(TARGET, path, value), name="t")


def test_a_window_that_ends_before_it_begins_is_refused():
    body = json.dumps(TARGET | {"from": "2015-01-01", "until": "2014-12-31"}).encode()
    with pytest.raises(InvalidDocument, match="from 2015-01-01 lies after until 2014-12-31"):
        read_document(Target, body, name="t")


def test_splits_that_share_a_file_are_refused():
    with pytest.raises(InvalidDocument, match="two splits name the same file"):
        read_document(Dataset, changed(DATASET, "splits.val.images.file", "train-images.npy"), name="d")


@pytest.mark.parametrize("name", ["../x.npy", "a/b.npy", ".hidden", "/etc/passwd", ""])
def test_a_data_file_lies_beside_its_document(name: str):
    with pytest.raises(InvalidDocument, match=r"splits\.train\.images\.file"):
        read_document(Dataset, changed(DATASET, "splits.train.images.file", name), name="d")


def test_absorb_settings_are_the_cores_with_its_defaults():
    ours = {name: field.default for name, field in AbsorbSettings.model_fields.items()}
    assert ours.pop("augment") == "none"  # what is done to images is no matter of the core's configuration
    core = {field.name: field.default for field in dataclasses.fields(AbsorbConfig)}
    assert ours == {name: core[name] for name in ours}
    assert AbsorbSettings().config() == AbsorbConfig()


def test_every_bound_of_the_settings_is_one_that_the_core_takes():
    for name, field in AbsorbSettings.model_fields.items():
        for bound in field.metadata:
            for end in ("ge", "le"):
                if hasattr(bound, end):
                    AbsorbSettings.model_validate({name: getattr(bound, end)}).config()
