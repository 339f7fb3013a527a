import hashlib
import json
import os

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tasks.contracts.base import InputSpec
from tasks.data.datasets import load_dataset
from tasks.data.folder import prepare, publish_prepared
from tasks.errors import InvalidDocument, NotThere, OperationRefused

SPEC = InputSpec(height=8, width=8, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.fixture
def photos(tmp_path):
    """Forty images of two classes, one cut off, one a copy."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(rng.integers(0, 255, (10, 12, 3), np.uint8)).save(
                folder / name / f"{number:02d}.png"
            )
    (folder / "cat" / "03.png").write_bytes((folder / "cat" / "03.png").read_bytes()[:100])
    (folder / "dog" / "copy.png").write_bytes((folder / "dog" / "00.png").read_bytes())
    return folder


def content(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_corrupt_images_and_copies_are_skipped_and_named(photos, tmp_path):
    prepared = prepare(photos, tmp_path / "out", name="pets", spec=SPEC)
    assert [skipped.id for skipped in prepared.skipped] == ["cat/03.png", "dog/copy.png"]
    assert "shows the same as dog/00.png" in prepared.skipped[1].reason
    assert prepared.samples == {"train": 31, "val": 2, "gate": 2, "test": 4}


def test_the_same_folder_gives_the_same_bytes(photos, tmp_path):
    for out in ("one", "two"):
        prepare(photos, tmp_path / out, name="pets", spec=SPEC)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert len(content(tmp_path / "one")) == 13


def test_what_was_prepared_is_published_as_it_is(photos, tmp_path, store):
    prepared = prepare(photos, tmp_path / "out", name="pets", spec=SPEC, val=0.2)
    key = publish_prepared(store, tmp_path / "out")
    loaded = load_dataset(store, key, cache_dir=tmp_path / "cache")
    assert loaded.document.classes == ("cat", "dog")
    assert {split: len(arrays.ids) for split, arrays in loaded.splits.items()} == prepared.samples
    assert publish_prepared(store, tmp_path / "out") == key
    assert np.array_equal(loaded.splits["gate"].images, np.load(tmp_path / "out" / "gate-images.npy"))


def test_what_changed_since_it_was_prepared_is_not_published(photos, tmp_path, store):
    prepare(photos, tmp_path / "out", name="pets", spec=SPEC)
    images = tmp_path / "out" / "train-images.npy"
    whole = images.read_bytes()
    images.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InvalidDocument, match=r"train-images\.npy changed since it was prepared"):
        publish_prepared(store, tmp_path / "out")
    assert list(store.list("datasets/")) == []


def test_what_an_older_version_prepared_is_published(photos, tmp_path, store):
    prepare(photos, tmp_path / "out", name="pets", spec=SPEC)
    document = tmp_path / "out" / "prepared.json"
    document.write_text(
        json.dumps({k: v for k, v in json.loads(document.read_text()).items() if k != "files"})
    )
    assert publish_prepared(store, tmp_path / "out")


def test_too_few_images_for_four_splits_are_refused(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "few" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), (name == "cat" and 255) or 0).save(tmp_path / "few" / name / "0.png")
    with pytest.raises(InvalidDocument, match="no image for val, gate, test"):
        prepare(tmp_path / "few", tmp_path / "out", name="pets", spec=SPEC)


def test_a_refusal_names_what_was_skipped(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "few" / name).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "few" / name / f"{number}.png").write_bytes(b"no image")
    with pytest.raises(InvalidDocument) as refused:
        prepare(tmp_path / "few", tmp_path / "out", name="pets", spec=SPEC)
    said = str(refused.value)
    assert "skipped 6: " in said
    assert [f"{name}.png" in said for name in ("cat/0", "cat/2", "dog/0")] == [True, True, False]
    assert "\n" not in said


def test_an_interrupted_preparation_leaves_nothing_to_publish(photos, tmp_path, store, monkeypatch):
    prepare(photos, tmp_path / "out", name="pets", spec=SPEC)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tasks.data.folder.labels_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(photos, tmp_path / "out", name="pets", spec=SPEC)
    with pytest.raises(NotThere, match="grasp dataset prepare"):
        publish_prepared(store, tmp_path / "out")


def test_grey_photos_of_sixteen_bits_are_no_copies_of_each_other(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "grey" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(1000, 60000, (10, 12), np.uint16)
            Image.fromarray(pixels).save(tmp_path / "grey" / name / f"{number}.png")
    prepared = prepare(tmp_path / "grey", tmp_path / "out", name="pets", spec=SPEC)
    assert prepared.skipped == ()
    assert 10 < np.load(tmp_path / "out" / "train-images.npy").mean() < 245


def test_a_file_name_in_no_encoding_stops_nothing_and_is_told(photos, tmp_path):
    with open(os.fsencode(photos / "cat") + b"/bad\xff\n.png", "wb") as file:
        file.write((photos / "cat" / "01.png").read_bytes())
    prepared = prepare(photos, tmp_path / "out", name="pets", spec=SPEC)
    assert r"cat/bad\udcff\n.png: has a name that is not UTF-8" in prepared.skipped[0].reason
    assert sum(prepared.samples.values()) == 39


def test_publishing_what_was_never_prepared_says_so(tmp_path, store):
    with pytest.raises(NotThere, match="grasp dataset prepare"):
        publish_prepared(store, tmp_path)


def test_the_command_names_what_it_skipped(photos, tmp_path):
    import flows.cli.sources.dataset  # noqa: F401
    from flows.cli.app import app

    command = ["dataset", "prepare", str(photos), "--to", str(tmp_path / "out"), "--name", "pets"]
    command += ["--size", "8"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "cat/03.png" in told.output
    counts = "train 31, val 2, gate 2, test 4; 8 x 8 pixels, 3 channels, 2 classes; 2 skipped"
    assert counts in told.output
    assert "the gate has 2 samples, under 100" in told.output

    before = (tmp_path / "out" / "train-images.npy").read_bytes()
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, OperationRefused)
    assert "is not empty" in str(again.exception)
    assert CliRunner().invoke(app, [*command, "--overwrite"]).exit_code == 0
    assert (tmp_path / "out" / "train-images.npy").read_bytes() == before


def many(folder, images: dict[str, int]):
    """So many images of random pixels per class."""
    rng = np.random.default_rng(1)
    for name, count in images.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(folder / name / f"{number}.png")
    return folder


def test_a_class_that_vanishes_from_a_split_is_said_with_what_each_split_gets(tmp_path):
    prepared = prepare(
        many(tmp_path / "photos", {"a": 40, "b": 40, "rare": 1, "three": 3}),
        tmp_path / "out",
        name="n",
        spec=SPEC,
    )
    assert prepared.thin == (
        "class 'rare': train 1, val 0, gate 0, test 0",
        "class 'three': train 3, val 0, gate 0, test 0",
    )
    assert prepared.cure.startswith("a class needs 4 images or more, and --val and --test say")
    from flows.cli.app import app

    done = CliRunner().invoke(
        app,
        ["dataset", "prepare", str(tmp_path / "photos"), "--to", str(tmp_path / "cli"), "--name", "n"],
    )
    assert "warning: class 'rare': train 1, val 0, gate 0, test 0" in done.output
    assert "warning: some splits have no image of 2 classes" in done.output


def test_a_refusal_for_small_classes_names_the_options_that_help(tmp_path):
    photos = many(tmp_path / "photos", {f"{number:02d}": 4 for number in range(20)})
    with pytest.raises(InvalidDocument, match=r"class '00': train 4, val 0") as refused:
        prepare(photos, tmp_path / "out", name="n", spec=SPEC)
    assert "--val 0.5 --test 0.25 gives every split some of each class" in str(refused.value)
    prepared = prepare(photos, tmp_path / "out", name="n", spec=SPEC, val=0.5, test=0.25)
    assert prepared.samples == {"train": 20, "val": 20, "gate": 20, "test": 20}
    assert prepared.thin == ()


def test_what_is_kept_in_a_special_way_is_said_with_the_name_of_its_file(photos, tmp_path):
    shape = np.zeros((10, 12, 4), np.uint8)
    shape[2:5, 3:6, 3] = 255
    Image.fromarray(shape).save(photos / "cat" / "shape.png")
    prepared = prepare(photos, tmp_path / "out", name="pets", spec=SPEC)
    assert prepared.remarks == (
        f"{photos / 'cat' / 'shape.png'}: it is transparent in parts, which are white now",
    )


def test_a_targets_classes_come_first_in_their_order_and_new_ones_behind_them(photos, tmp_path):
    prepared = prepare(photos, tmp_path / "out", name="pets", spec=SPEC, first=("dog",))
    assert prepared.classes == ("dog", "cat")
    train = np.load(tmp_path / "out" / "train-labels.npy")
    assert sorted(np.bincount(train)) == [15, 16]
    with pytest.raises(InvalidDocument, match="bird"):
        prepare(photos, tmp_path / "out", name="pets", spec=SPEC, first=("dog", "bird"))
