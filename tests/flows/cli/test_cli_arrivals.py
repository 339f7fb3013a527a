"""The commands around arrivals, as a person types them: what they print and how they end."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from flows.cli.app import command_line
from flows.cli.sources.given import given_input
from tasks.arrivals.listing import ListingRule
from tasks.arrivals.triage import triage
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Architecture
from tasks.contracts.journal import Attempted, Decided
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import read_document
from tasks.contracts.target import Target
from tasks.errors import (
    AlreadyThere,
    GraspError,
    InvalidCheckpoint,
    InvalidDocument,
    NotThere,
    OperationRefused,
)
from tasks.journal.log import Journal
from tasks.weights.files import new_module, save
from tasks.weights.licensing import stated_license

DIGITS = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
CLASSES = ",".join("0123456789")
WHEN = ("--series", "digits", "--period", "2014", "--start", "2014-01-01", "--end", "2014-12-31")
WHAT = ("--architecture", "grasp/digits-cnn", "--classes", CLASSES)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def grasp():
    """Run a command; gives what it printed. Errors come out as they are raised."""

    def run(*words: object, exit_code: int = 0) -> str:
        result = CliRunner(env={"COLUMNS": "200"}).invoke(command_line(), [str(word) for word in words])
        if isinstance(result.exception, GraspError):
            raise result.exception
        assert result.exit_code == exit_code, result.output
        return result.output

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    save(new_module(DIGITS), tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


@pytest.fixture
def target(store: Store) -> Target:
    fields = {
        "schema_version": 1,
        "name": "digits-now",
        "series": ["digits"],
        "architecture": DIGITS.model_dump(),
        "classes": list("0123456789"),
        "input": {"height": 8, "width": 8, "channels": 1, "mean": [0.5], "std": [0.5]},
        "dataset": f"datasets/digits-now/{'0' * 64}/dataset.json",
    }
    store.put(keys.target_key("digits-now"), json.dumps(fields).encode())
    return read_document(Target, json.dumps(fields).encode(), name="t")


def watch(store: Store, target: Target, hours: float = 24):
    from datetime import timedelta

    journal = Journal(store, target.name, by="watch")
    return triage(store, target, journal, pending_limit=timedelta(hours=hours), rule=ListingRule()), journal


def published(store: Store) -> Manifest:
    (item,) = store.list(keys.MANIFESTS)
    return read_document(Manifest, store.get(item.key).body, name=item.key)


def test_publish_takes_exactly_what_the_contract_needs_to_know(store, file, grasp):
    said = grasp("publish", file, *WHEN, *WHAT, "--metric", "val_accuracy=0.93", "--publisher", "team-a")
    assert re.search(r"manifests/digits/2014/1\.json published; arrival [0-9a-f]{12}", said)
    manifest = published(store)
    assert (manifest.input.height, manifest.metrics, manifest.publisher) == (
        8,
        {"val_accuracy": 0.93},
        "team-a",
    )
    assert store.get(manifest.weights.key).body == file.read_bytes()
    assert len(list(store.list(keys.NOTICES))) == 1


def test_publishing_again_says_so_and_other_content_is_refused(store, file, grasp):
    grasp("publish", file, *WHEN, *WHAT)
    assert "was published before, the same in content" in grasp("publish", file, *WHEN, *WHAT)
    torch.manual_seed(2)
    save(new_module(DIGITS), file)
    with pytest.raises(AlreadyThere, match="publish this one under rev 2"):
        grasp("publish", file, *WHEN, *WHAT)
    assert "2.json published" in grasp("publish", file, *WHEN, *WHAT, "--rev", "2")


def test_a_lightning_checkpoint_is_converted_and_published(store, file, grasp, tmp_path: Path):
    state = {f"model.{name}": tensor for name, tensor in new_module(DIGITS).state_dict().items()}
    torch.save({"state_dict": state | {"loss.weight": torch.ones(1)}, "epoch": 1}, tmp_path / "last.ckpt")
    said = grasp("publish", tmp_path / "last.ckpt", *WHEN, *WHAT)
    assert "prefix model. stripped" in said
    assert "left out, beside the model: loss.weight" in said
    assert store.head(published(store).weights.key)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "w.safetensors"]


def test_a_licence_goes_into_the_published_file(store, file, grasp, tmp_path: Path):
    grasp("publish", file, *WHEN, *WHAT, "--license", "cc-by-4.0")
    (tmp_path / "blob").write_bytes(store.get(published(store).weights.key).body)
    assert stated_license(tmp_path / "blob") == "cc-by-4.0"
    assert "same in content" in grasp("publish", file, *WHEN, *WHAT, "--license", "cc-by-4.0")


def test_a_target_lends_its_signature(store, file, target, grasp):
    grasp("publish", file, *WHEN, "--target", "digits-now")
    assert published(store).classes == target.classes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*WHEN, "--architecture", "grasp/digits-cnn", "--classes", "a,b"), "head"),
        ((*WHEN, "--architecture", "torchvision/resnet18", "--classes", CLASSES), "tensors"),
        ((*WHEN[:-1], "2013-01-01", *WHAT), "before its start"),
        ((*WHEN, *WHAT, "--size", "8x8x1", "--mean", "0.5,0.5"), "mean has 2 values"),
        (("--series", "Digits", *WHEN[2:], *WHAT), "series"),
    ],
)
def test_what_would_be_quarantined_is_refused_before_it_is_sent(store, file, grasp, words, said: str):
    with pytest.raises((InvalidDocument, InvalidCheckpoint), match=said) as caught:
        grasp("publish", file, *words)
    assert str(caught.value).endswith(("nothing was published", "nothing was converted"))
    assert list(store.list("blobs/")) == []


@pytest.mark.parametrize("size", ["8x8", "8xx1", "8x8x-1", "8x8x²"])
def test_a_size_that_is_none_is_refused(target, size: str):
    with pytest.raises(typer.BadParameter, match="HEIGHTxWIDTHxCHANNELS"):
        given_input(size, "", "", target.input)


def test_validate_names_every_problem_and_sends_nothing(store, file, target, grasp, tmp_path: Path):
    grasp("publish", file, *WHEN, *WHAT)
    body = store.get("manifests/digits/2014/1.json").body
    (tmp_path / "m.json").write_bytes(body)
    (tmp_path / "t.json").write_bytes(store.get(keys.target_key("digits-now")).body)
    said = grasp("validate", file, tmp_path / "m.json", "--target", tmp_path / "t.json")
    assert said.count("ok  ") == 7
    assert "would be taken in" in said
    assert "would be taken in" in grasp("validate", file, tmp_path / "m.json", "--target", "digits-now")
    windowed = json.loads((tmp_path / "t.json").read_bytes()) | {"until": "2013-12-31"}
    (tmp_path / "w.json").write_text(json.dumps(windowed))
    said = grasp("validate", file, tmp_path / "m.json", "--target", tmp_path / "w.json", exit_code=1)
    assert "FAIL  the period lies in the window of digits-now" in said
    other = json.loads(body) | {"series": "other", "classes": list("abcdefghij")}
    (tmp_path / "m.json").write_text(json.dumps(other))
    file.write_bytes(file.read_bytes()[:-1])
    said = grasp("validate", file, tmp_path / "m.json", "--target", tmp_path / "t.json", exit_code=1)
    assert said.count("FAIL") == 4
    assert said.count("ok  ") == 3
    (tmp_path / "m.json").write_text("{")
    said = grasp("validate", file, tmp_path / "m.json", "--target", tmp_path / "t.json", exit_code=1)
    assert "is not JSON" in said


def test_validate_takes_what_target_show_prints(store, file, target, grasp, tmp_path: Path):
    grasp("publish", file, *WHEN, *WHAT)
    (tmp_path / "m.json").write_bytes(store.get("manifests/digits/2014/1.json").body)
    (tmp_path / "t.json").write_text(grasp("target", "show", "digits-now"))
    said = grasp("validate", file, tmp_path / "m.json", "--target", tmp_path / "t.json")
    assert "would be taken in" in said


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"target": {}}',
        '{"target": {}, "journal": {}}',
        '{"target": 1, "journal": {}}',
        "[" * 99_999,
    ],
    ids=range(6),
)
def test_validate_says_what_is_wrong_with_other_files(file, grasp, tmp_path: Path, text: str):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(InvalidDocument, match=r"t\.json: "):
        grasp("validate", file, tmp_path / "t.json", "--target", tmp_path / "t.json")


def test_a_source_of_digits_is_trained_and_published(store, target, grasp):
    said = grasp("train-source", "--digits", "2/6", "--epochs", "3", "--lr", "0.001", *WHEN)
    assert "epoch 3/3" in said
    assert "1.json published" in said
    manifest = published(store)
    assert 0 < manifest.metrics["val_accuracy"] <= 1
    found, _ = watch(store, target)
    assert [arrival.manifest.key for arrival in found.ready] == [manifest.key]
    assert list(Path.cwd().glob(".partial-*")) == []


@pytest.mark.slow
def test_a_source_of_an_image_folder_is_trained_and_kept_here(store, grasp, tmp_path: Path):
    chance = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for n in range(20):
            pixels = chance.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{n}.png")
    (tmp_path / "out").mkdir()
    words = ("--images", tmp_path / "photos", "--architecture", "torchvision/resnet18", "--epochs", "3")
    said = grasp("train-source", *words, *WHEN, "--to", tmp_path / "out")
    assert "nothing was sent" in said
    manifest = read_document(Manifest, (tmp_path / "out" / "manifest.json").read_bytes(), name="m")
    assert manifest.classes == ("cat", "dog")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json",
        "weights.safetensors",
    ]
    assert list(store.list("blobs/")) == []


def test_explain_tells_the_whole_story(store, file, target, grasp):
    grasp("publish", file, *WHEN, *WHAT)
    with pytest.raises(NotThere, match="not seen by the watch yet"):
        grasp("explain", "digits/2014/1")
    _, journal = watch(store, target)
    arrival = keys.arrival_id("manifests/digits/2014/1.json")
    for which in ("digits/2014/1", "manifests/digits/2014/1.json", arrival, arrival[:8]):
        said = grasp("explain", which)
        assert "accepted: its manifest was copied" in said
        assert "now: ready; the next absorb takes it" in said
    journal.transact(lambda s, stamp: Attempted(**stamp._asdict(), arrival_id=arrival, n=1, flow_run="f-1"))
    said = grasp("explain", arrival[:8])
    assert "attempt 1 began\n" in said
    assert "now: attempt 1 of 4 has given no decision (yet, if its run lives)" in said
    assert "(attempts so far: 1); changes by itself at 20" in said
    store.delete(published(store).weights.key)
    said = grasp("requeue", arrival[:8], "--reason", "worker was broken")
    assert "digits/2014/1 is open again for target digits-now" in said
    watch(store, target, hours=0)
    story = json.loads(grasp("explain", arrival, "--json"))
    assert story["now"] == "quarantined"
    assert [event["what"].split(":")[0].split(" ")[0] for event in story["events"]] == [
        "accepted",
        "attempt",
        "requeued",
        "quarantined",
    ]
    assert "no such object after 0 hours; needed" in story["events"][-1]["what"]


def test_requeue_opens_what_was_refused_and_nothing_else(store, file, target, grasp):
    grasp("publish", file, *WHEN, *WHAT)
    weights = published(store).weights.key
    body = store.get(weights).body
    store.delete(weights)
    watch(store, target, hours=0)
    store.put(weights, body)
    grasp("requeue", "digits/2014/1", "--target", "digits-now")
    found, journal = watch(store, target)
    (ready,) = found.ready
    with pytest.raises(OperationRefused, match="has no decision yet"):
        grasp("requeue", "digits/2014/1")
    journal.transact(
        lambda state, stamp: Decided.model_validate(
            stamp._asdict()
            | {"arrival_id": ready.id, "decision": "promoted", "reason_code": "first", "registry_version": 1}
            | {"reason": {"object": "o", "found": "f", "needed": "n", "next": "x"}, "index": 1}
        )
    )
    with pytest.raises(OperationRefused, match="was promoted"):
        grasp("requeue", "digits/2014/1")
    for which in ("zz", "", "../x", "0" * 5):
        with pytest.raises(OperationRefused, match="is no arrival"):
            grasp("explain", which)
    with pytest.raises(NotThere):
        grasp("explain", "0" * 64)


def test_probe_says_that_the_bucket_is_fit(store, grasp):
    assert "is fit: credentials, addressing, conditional writes" in grasp("probe")
