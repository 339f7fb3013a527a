import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tasks.contracts.base import Architecture, InputSpec
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument
from tasks.publishing.training import folder_classes, folder_data

SPEC = InputSpec(height=8, width=8, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)


def paint(folder, names, *, shade=0):
    """Save images of random pixels below a shade of their own, so that a test knows them again."""
    rng = np.random.default_rng(shade)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(rng.integers(shade, shade + 40, (8, 8, 3), np.uint8)).save(folder / f"{name}.png")


@pytest.fixture
def photos(tmp_path):
    for name in ("cat", "dog"):
        paint(tmp_path / "photos" / name, range(20), shade=100 * (name == "dog"))
    return tmp_path / "photos"


def test_what_is_no_image_is_skipped_and_named(photos, tmp_path):
    (photos / "cat" / "Thumbs.db").write_bytes(b"junk")
    data = folder_data(photos, SPEC, tmp_path)
    assert [skipped.id for skipped in data.skipped] == ["cat/Thumbs.db"]
    assert (len(data.train), len(data.val)) == (36, 4)


def test_no_copy_leaks_from_train_into_val(photos, tmp_path):
    for number in range(20):
        for name in ("cat", "dog"):
            whole = (photos / name / f"{number}.png").read_bytes()
            (photos / name / f"copy-{number}.png").write_bytes(whole)
    data = folder_data(photos, SPEC, tmp_path)
    assert len(data.skipped) == 40
    assert (len(data.train), len(data.val)) == (36, 4)


def test_a_folder_that_is_split_keeps_its_val_and_leaves_its_test_out(tmp_path):
    for split, shade in (("train", 0), ("val", 50), ("test", 100), ("gate", 150)):
        for name in ("cat", "dog"):
            paint(tmp_path / "photos" / split / name, [f"{name}-{n}" for n in range(4)], shade=shade)
        paint(tmp_path / "photos" / split / "dog", "xyz", shade=shade + 5)
    leaked = tmp_path / "photos" / "val" / "cat" / "leaked.png"
    leaked.write_bytes((tmp_path / "photos" / "train" / "dog" / "x.png").read_bytes())
    data = folder_data(tmp_path / "photos", SPEC, tmp_path)
    assert [int(part.images.max()) // 50 for part in (data.train, data.val)] == [0, 1]
    assert int(data.val.images.min()) >= 50
    assert "val/cat/leaked.png" in [skipped.id for skipped in data.skipped]


def test_a_class_without_a_whole_image_is_refused_and_the_skipped_are_named(photos, tmp_path):
    for path in (photos / "dog").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(InvalidDocument, match=r"no image for dog, .*skipped 20: .*dog/0\.png"):
        folder_data(photos, SPEC, tmp_path)


def test_the_command_names_what_it_skipped(photos, tmp_path):
    import flows.cli.sources.train_source  # noqa: F401
    from flows.cli.app import app

    (photos / "cat" / "Thumbs.db").write_bytes(b"junk")
    (tmp_path / "out").mkdir()
    when = ["--series", "pets", "--period", "2014", "--start", "2014-01-01", "--end", "2014-12-31"]
    what = ["--images", str(photos), "--epochs", "3", "--to", str(tmp_path / "out")]
    told = CliRunner().invoke(app, ["train-source", *what, *when])
    assert told.exit_code == 0, told.output
    assert "cat/Thumbs.db: UnidentifiedImageError" in told.output
    assert "epoch 3/3" in told.output


def test_a_folder_without_the_classes_that_were_added_last_is_trained_with_those_before(photos):
    fields = {"series": ("pets",), "input": SPEC, "dataset": f"datasets/p/{'0' * 64}/dataset.json"}
    network = Architecture(id="grasp/digits-cnn", in_channels=3, num_classes=4)
    target = Target(name="p", architecture=network, classes=("cat", "dog", "owl", "bat"), **fields)
    assert folder_classes(photos, target) == target.classes
    assert folder_classes(photos, target.model_copy(update={"grown_from": 2})) == ("cat", "dog")
    assert folder_classes(photos, target.model_copy(update={"grown_from": 3})) == ("cat", "dog", "owl")
