import numpy as np
import pytest
from PIL import Image

from grasp_core.data.folder import decode, scan, stratified, with_gate
from grasp_core.errors import InvalidData


def paint(path, value, size=(20, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), value, np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    for name, count in (("cats", 20), ("apes", 40)):
        for number in range(count):
            paint(tmp_path / name / f"{number:02d}.png", number)
    return tmp_path


def ids(splits):
    return {split: [sample.id for sample in samples] for split, samples in splits.items()}


def test_classes_and_samples_are_sorted(folder):
    classes, found = scan(folder)
    assert classes == ("apes", "cats")
    assert [sample.id for sample in found[""]][:2] == ["apes/00.png", "apes/01.png"]
    assert [sample.label for sample in found[""]] == [0] * 40 + [1] * 20


def test_splits_hold_every_sample_once_and_each_class_in_its_share(folder):
    samples = scan(folder)[1][""]
    splits = with_gate(stratified(samples, val=0.2, test=0.1))
    assert sorted(name for part in ids(splits).values() for name in part) == sorted(
        sample.id for sample in samples
    )
    shares = {
        split: [sum(s.label == label for s in part) for label in (0, 1)] for split, part in splits.items()
    }
    assert shares == {"train": [28, 14], "val": [4, 2], "gate": [4, 2], "test": [4, 2]}


def test_the_same_files_are_split_the_same_way_whatever_their_order(folder):
    samples = scan(folder)[1][""]
    ours = with_gate(stratified(samples, val=0.2, test=0.2))
    assert ids(ours) == ids(with_gate(stratified(samples[::-1], val=0.2, test=0.2)))


def test_a_given_split_is_kept_and_its_gate_carved_from_val(tmp_path):
    for split in ("train", "val", "test"):
        for name in ("a", "b"):
            for number in range(4):
                paint(tmp_path / split / name / f"{number}.png", number)
    splits = with_gate(scan(tmp_path)[1])
    assert {split: len(part) for split, part in splits.items()} == {
        "train": 8,
        "val": 4,
        "test": 8,
        "gate": 4,
    }
    assert all(name.startswith("val/") for name in ids(splits)["gate"] + ids(splits)["val"])


def test_splits_with_other_classes_are_refused(tmp_path):
    for split, names in (("train", "ab"), ("val", "ab"), ("test", "ac")):
        for name in names:
            paint(tmp_path / split / name / "0.png", 0)
    with pytest.raises(InvalidData, match=r"test: has the classes a, c, needs those of train: a, b"):
        scan(tmp_path)


def test_a_folder_without_classes_is_refused(tmp_path):
    paint(tmp_path / "only" / "0.png", 0)
    with pytest.raises(InvalidData, match="has 1 class folders, needs two or more"):
        scan(tmp_path)


@pytest.mark.parametrize(("channels", "size"), [(3, (20, 16)), (1, (9, 50))])
def test_an_image_becomes_the_size_and_channels_asked_for(tmp_path, channels, size):
    paint(tmp_path / "x.png", 77, size=size)
    pixels = decode(tmp_path / "x.png", height=8, width=12, channels=channels)
    assert pixels.shape == (8, 12, channels)
    assert pixels.dtype == np.uint8
    assert (pixels == 77).all()


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_an_image_that_is_not_whole_is_named(tmp_path, damage):
    path = tmp_path / "x.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes({"cut": path.read_bytes()[:900], "text": b"no image", "empty": b""}[damage])
    with pytest.raises(InvalidData, match=r"x\.jpg: .*the image is skipped"):
        decode(path, height=8, width=8, channels=3)
