"""From a data set laid out by time to one target and its sources."""

import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

from grasp_core.errors import InvalidData
from tasks.data.datasets import load_dataset
from tasks.data.folder import publish_prepared
from tasks.data.layouts import clear, yearbook
from tasks.data.layouts.prepare import prepare_layout
from tasks.errors import OperationRefused
from tasks.publishing.training import folder_data


@pytest.fixture
def source(tmp_path, paint):
    """Five bins of two classes, ten images of each in a year; one year has one class only."""
    root = tmp_path / "clear"
    for year in range(1, 11):
        for name in ("bus", "soccer"):
            for number in range(10):
                if (year, name) not in ((3, "bus"), (4, "bus")):
                    paint(root / "labeled_images" / str(year) / name / f"{number}.jpg")
    paint(root / "labeled_images" / "3" / "baseball" / "1.jpg")
    (root / "class_names.txt").write_text("BACKGROUND\nbus\nsoccer\nbaseball\n")
    return root


def prepared(source, out, spec, *, target=None, heard=None):
    def progress(done, total):
        if heard is not None:
            heard.append((done, total))

    return prepare_layout(
        clear.survey(source), out, name="clear", spec=spec, target=target, progress=progress
    )


@pytest.fixture
def yearbook_source(tmp_path, paint):
    for year in (1905, 1949, 1955, 1965, 1975, 1985, 1995, 2005, 2010):
        for gender in ("M", "F"):
            for number in range(10):
                paint(tmp_path / "portraits" / gender / f"{year}_x_{number}.png", grey=True)
    return tmp_path / "portraits"


def test_the_last_period_becomes_the_target_and_every_other_a_source(source, tmp_path, spec):
    made = prepared(source, tmp_path / "out", spec)
    assert made.target.label == "year_9-10"
    assert made.splits == {"train": 32, "val": 2, "gate": 2, "test": 4}
    assert {label: dict(counts) for label, counts in made.sources.items()} == {
        "year_1-2": {"train": 32, "val": 4, "test": 4},
        "year_3-4": {"train": 17, "val": 2, "test": 2},
        "year_5-6": {"train": 32, "val": 4, "test": 4},
        "year_7-8": {"train": 32, "val": 4, "test": 4},
    }
    assert "period year_3-4: no image of bus to train on" in made.remarks


def test_the_target_is_what_publish_takes(source, tmp_path, spec, store):
    made = prepared(source, tmp_path / "out", spec, target="year_1-2")
    assert made.target.label == "year_1-2"
    key = publish_prepared(store, tmp_path / "out" / "target")
    loaded = load_dataset(store, key, cache_dir=tmp_path / "cache")
    assert loaded.document.classes == ("baseball", "bus", "soccer")
    assert {split: len(arrays.ids) for split, arrays in loaded.splits.items()} == made.splits
    assert all(name.split("/")[1] in ("1", "2") for arrays in loaded.splits.values() for name in arrays.ids)
    assert sorted(np.bincount(loaded.splits["test"].labels).tolist()) == [0, 2, 2]


def test_a_source_is_what_train_source_takes_though_it_lacks_classes(source, tmp_path, spec):
    prepared(source, tmp_path / "out", spec)
    data = folder_data(tmp_path / "out" / "sources" / "year_5-6", spec, tmp_path)
    assert data.classes == ("baseball", "bus", "soccer")
    assert (len(data.train), len(data.val), data.skipped) == (32, 4, ())


def test_yearbook_sources_train_on_the_decades_that_they_have(yearbook_source, tmp_path, spec):
    found = yearbook.survey(yearbook_source, labels="decade")
    made = prepare_layout(
        found, tmp_path / "out", name="yearbook", spec=spec, target=None, progress=lambda *_: None
    )
    assert made.target.label == "1990-on"
    assert made.splits == {"train": 48, "val": 3, "gate": 3, "test": 6}
    data = folder_data(tmp_path / "out" / "sources" / "1950-1969", spec, tmp_path)
    assert data.classes == ("decade-1", "decade-2", "decade-3", "decade-5")
    assert sorted(set(data.train.labels.tolist())) == [0, 1]


def test_no_image_is_in_two_places(source, tmp_path, spec):
    prepared(source, tmp_path / "out", spec)
    links = [path for path in (tmp_path / "out" / "sources").rglob("*") if path.is_symlink()]
    images = [os.path.realpath(path) for path in links]
    assert len(images) == len(set(images)) == 141
    ids = [
        name
        for split in ("train", "val", "gate", "test")
        for name in json.loads((tmp_path / "out" / "target" / f"{split}-ids.json").read_text())
    ]
    assert not {os.path.realpath(source / name) for name in ids} & set(images)


def test_the_same_copy_is_split_in_the_same_way_wherever_it_lies(source, tmp_path, spec):
    prepared(source, tmp_path / "one", spec)
    source.rename(tmp_path / "moved")
    prepared(tmp_path / "moved", tmp_path / "two", spec)
    for name in ("train-ids.json", "test-ids.json", "gate-images.npy"):
        assert (tmp_path / "one/target" / name).read_bytes() == (tmp_path / "two/target" / name).read_bytes()


def test_broken_images_and_copies_across_periods_are_skipped_and_named(source, tmp_path, spec):
    images = source / "labeled_images"
    (images / "1" / "bus" / "0.jpg").write_bytes((images / "1" / "bus" / "0.jpg").read_bytes()[:200])
    (images / "9" / "bus" / "0.jpg").write_bytes((images / "2" / "bus" / "5.jpg").read_bytes())
    (images / "1" / "bus" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    heard = []
    made = prepared(source, tmp_path / "out", spec, heard=heard)
    reasons = {skipped.id: skipped.reason for skipped in made.skipped}
    assert set(reasons) == {f"labeled_images/{name}.jpg" for name in ("1/bus/0", "1/bus/gone", "9/bus/0")}
    assert "shows the same as labeled_images/2/bus/5.jpg" in reasons["labeled_images/9/bus/0.jpg"]
    assert heard[0] == (1, 182)
    assert heard[-1] == (182, 182)
    assert len(heard) == 182


def test_what_was_made_says_how_to_go_on(source, tmp_path, spec):
    prepared(source, tmp_path / "out", spec)
    account = json.loads((tmp_path / "out" / "layout.json").read_text())
    assert account["target"] == "year_9-10"
    assert account["periods"][0] == {
        "period": "year_1-2",
        "start": "2005-01-01",
        "end": "2006-12-31",
        "folder": "sources/year_1-2",
        "samples": {"train": 32, "val": 4, "test": 4},
    }


def test_a_second_preparation_leaves_nothing_of_the_first(source, tmp_path, spec):
    prepared(source, tmp_path / "out", spec)
    prepared(source, tmp_path / "out", spec, target="year_1-2")
    assert sorted(each.name for each in (tmp_path / "out" / "sources").iterdir()) == [
        *("year_3-4", "year_5-6", "year_7-8", "year_9-10"),
    ]


def test_a_folder_of_somebody_else_is_left_alone(source, tmp_path, spec):
    (tmp_path / "out" / "sources").mkdir(parents=True)
    (tmp_path / "out" / "sources" / "precious").write_text("mine")
    with pytest.raises(OperationRefused, match="name another folder"):
        prepared(source, tmp_path / "out", spec)
    assert (tmp_path / "out" / "sources" / "precious").exists()


def test_an_unknown_period_and_a_single_one_are_refused(source, tmp_path, spec):
    with pytest.raises(InvalidData, match="needs one of year_1-2, year_3-4"):
        prepared(source, tmp_path / "out", spec, target="1990-on")
    for year in range(1, 9):
        (source / "labeled_images" / str(year)).rename(tmp_path / f"gone-{year}")
    with pytest.raises(InvalidData, match="only year_9-10 has images"):
        prepared(source, tmp_path / "out", spec)


def test_the_command_prepares_and_says_what_comes_next(source, tmp_path):
    import flows.cli.sources.dataset  # noqa: F401
    from flows.cli.app import app

    command = ["dataset", "prepare", str(source), "--to", str(tmp_path / "out"), "--name", "clear"]
    command += ["--size", "8", "--layout", "clear10"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "looked at 181 of 181 images" in told.output
    assert "target, period year_9-10: train 32, val 2, gate 2, test 4; 0 skipped" in told.output
    assert (
        f"next: grasp train-source --images {tmp_path}/out/sources/year_1-2 --period year_1-2" in told.output
    )
    assert "--start 2005-01-01 --end 2006-12-31" in told.output
    assert f"next: grasp dataset publish {tmp_path}/out/target" in told.output
    refused = CliRunner().invoke(app, [*command, "--overwrite", "--labels", "gender"])
    assert refused.exit_code == 2
