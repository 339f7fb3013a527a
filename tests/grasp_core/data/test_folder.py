import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from grasp_core.data.decoding import ENLARGED, decode
from grasp_core.data.folder import scan, stratified, with_gate
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
    found = scan(folder)
    assert found.classes == ("apes", "cats")
    assert [sample.id for sample in found.samples[""]][:2] == ["apes/00.png", "apes/01.png"]
    assert [sample.label for sample in found.samples[""]] == [0] * 40 + [1] * 20
    assert found.skipped == ()


def test_hidden_files_and_folders_are_passed_over(folder):
    paint(folder / "cats" / ".hidden.png", 1)
    paint(folder / "cats" / ".thumbnails" / "x.png", 2)
    paint(folder / "cats" / "deep" / "er" / "y.png", 3)
    found = scan(folder)
    assert [sample.id for sample in found.samples[""]][60:] == ["cats/deep/er/y.png"]
    assert found.skipped == ()


def test_what_is_no_file_is_named(folder):
    (folder / "cats" / "gone.png").symlink_to("/nonexistent")
    (folder / "cats" / "loop").symlink_to(folder)
    os.mkfifo(folder / "cats" / "pipe.png")
    found = scan(folder)
    assert [skipped.id for skipped in found.skipped] == ["cats/gone.png", "cats/loop", "cats/pipe.png"]
    assert "cats/gone.png: is no file, nor a link to one" in found.skipped[0].reason
    assert len(found.samples[""]) == 60


def test_a_file_name_that_is_not_utf8_is_skipped_and_shown(folder):
    with open(os.fsencode(folder / "cats") + b"/bad\xff.png", "wb") as file:
        file.write((folder / "cats" / "01.png").read_bytes())
    found = scan(folder)
    assert [skipped.id for skipped in found.skipped] == [r"cats/bad\udcff.png"]
    assert r"cats/bad\udcff.png: has a name that is not UTF-8" in found.skipped[0].reason
    stratified(found.samples[""], val=0.2, test=0.1)


def test_splits_hold_every_sample_once_and_each_class_in_its_share(folder):
    samples = scan(folder).samples[""]
    splits = with_gate(stratified(samples, val=0.2, test=0.1))
    assert sorted(name for part in ids(splits).values() for name in part) == sorted(
        sample.id for sample in samples
    )
    shares = {
        split: [sum(s.label == label for s in part) for label in (0, 1)] for split, part in splits.items()
    }
    assert shares == {"train": [28, 14], "val": [4, 2], "gate": [4, 2], "test": [4, 2]}


def test_the_same_files_are_split_the_same_way_whatever_their_order(folder):
    samples = scan(folder).samples[""]
    ours = with_gate(stratified(samples, val=0.2, test=0.2))
    assert ids(ours) == ids(with_gate(stratified(samples[::-1], val=0.2, test=0.2)))


def test_a_given_split_is_kept_and_its_gate_carved_from_val(tmp_path):
    for split in ("train", "val", "test"):
        for name in ("a", "b"):
            for number in range(4):
                paint(tmp_path / split / name / f"{number}.png", number)
    splits = with_gate(scan(tmp_path).samples)
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
    with pytest.raises(InvalidData, match=r"test: has other classes than train: 'c' at place 2; needs 'b'"):
        scan(tmp_path)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (("train", "test"), "has test and train with folders in them, but no val; needs"),
        (("train", "valid", "test"), "but no val; needs .*valid and validation are to be called"),
        (("train", "val"), "but no test; needs"),
        (("Training", "Testing"), "but no train and no val and no test; needs"),
    ],
)
def test_splits_of_which_some_are_missing_are_no_classes(tmp_path, there, said):
    for split in there:
        for name in "ab":
            paint(tmp_path / split / name / "0.png", 0)
    with pytest.raises(InvalidData, match=said):
        scan(tmp_path)


def test_classes_may_be_named_like_splits(tmp_path):
    for name in ("train", "test", "car"):
        paint(tmp_path / name / "0.png", 0)
    assert scan(tmp_path).classes == ("car", "test", "train")


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


def test_whatever_a_decoder_raises_is_a_skipped_image(tmp_path):
    """BLP has an error of its own; byte 5 is of the compression."""
    Image.new("P", (24, 20)).save(tmp_path / "x.blp")
    whole = (tmp_path / "x.blp").read_bytes()
    (tmp_path / "x.blp").write_bytes(whole[:5] + b"\xff" + whole[6:])
    with pytest.raises(InvalidData, match=r"x\.blp: BLPFormatError: .*the image is skipped"):
        decode(tmp_path / "x.blp", height=8, width=8, channels=3)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_a_damaged_avif_is_a_skipped_image(tmp_path):
    paint(tmp_path / "x.avif", 77)
    whole = (tmp_path / "x.avif").read_bytes()
    start = whole.index(b"mdat") + 4
    (tmp_path / "x.avif").write_bytes(whole[:start] + bytes(len(whole) - start))
    with pytest.raises(InvalidData, match=r"x\.avif: .*the image is skipped"):
        decode(tmp_path / "x.avif", height=8, width=8, channels=3)


@pytest.mark.parametrize("kind", ["png", "tif", "big-endian tif", "pgm", "32-bit tif"])
def test_sixteen_bits_become_eight(tmp_path, kind):
    path = tmp_path / f"x.{kind.split()[-1]}"
    values = np.repeat(np.arange(256, dtype=np.uint16) * 257, 8).reshape(32, 64)
    dtype = {"big-endian tif": ">u2", "32-bit tif": "<i4"}.get(kind, "<u2")
    Image.fromarray(values.astype(dtype)).save(path)
    Image.fromarray((values // 257).astype(np.uint8)).save(tmp_path / "eight.png")
    for channels in (1, 3):
        ours = decode(path, height=20, width=40, channels=channels)
        assert np.array_equal(ours, decode(tmp_path / "eight.png", height=20, width=40, channels=channels))
        assert len(np.unique(ours)) > 100


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.linspace(0, 1, 64, dtype=np.float32), "holds floats from 0 to 1, needs values of 8 or 16 bits"),
        (np.arange(-1, 63, dtype=np.int32), "holds 32-bit values from -1 to 62"),
        (np.arange(64, dtype=np.int32) * 2000, "holds 32-bit values from 0 to 126000"),
    ],
    ids=["float", "negative", "more than 16 bits"],
)
def test_values_of_an_unknown_range_are_refused(tmp_path, values, said):
    Image.fromarray(values.reshape(8, 8)).save(tmp_path / "x.tif")
    with pytest.raises(InvalidData, match=rf"x\.tif: {said}.*the image is skipped"):
        decode(tmp_path / "x.tif", height=8, width=8, channels=3)


@pytest.mark.parametrize("size", [(1, 1), (37, 29), (300, 19), (16, 1), (224, 500)])
def test_an_image_is_resized_whole_then_cropped(tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    factor = 64 * ENLARGED / min(size)
    width, height = (round(side * factor) for side in size)
    left, top = (width - 64) // 2, (height - 64) // 2
    whole = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    reference = np.asarray(whole.crop((left, top, left + 64, top + 64)))
    assert np.array_equal(decode(tmp_path / "x.png", height=64, width=64, channels=3), reference)


@pytest.mark.parametrize("shape", [(1, 40_000, 3), (40_000, 1, 3)])
def test_a_thin_line_takes_little_memory(tmp_path, shape):
    """Enlarged whole, it would take eight gigabytes; what is seen is its centre, half dark and half light."""
    pixels = np.repeat(np.array([50, 200], np.uint8), 60_000).reshape(shape)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    code = (
        "import resource, sys; from pathlib import Path; from grasp_core.data.decoding import decode\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "pixels = decode(Path(sys.argv[1]), height=224, width=224, channels=3)\n"
        "print(pixels.min(), pixels.mean(), pixels.max())"
    )
    command = [sys.executable, "-c", code, tmp_path / "x.png"]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [float(word) for word in done.stdout.split()] == pytest.approx([62, 125, 188], abs=13)
