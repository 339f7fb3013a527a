"""`grasp reproduce`: one command from data to the table."""

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from flows.cli.app import command_line
from grasp_core.errors import InvalidConfig, InvalidData, UnknownArchitecture
from grasp_core.peers.catalogue import PEERS
from tasks.data.layouts.clear import THIRTY
from tasks.errors import InvalidDocument, InvalidSettings, OperationRefused

QUICK = ("--seeds", 1, "--epochs", 1, "--source-epochs", 1)
FEW = (*QUICK, "--peers", "guarded,published", "--peers", "ensemble")
SMALL = (*FEW, "--architecture", "grasp/digits-cnn", "--size", 8)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def reproduce(*words: object) -> Result:
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(command_line(), ["reproduce", *map(str, words)])


def table(folder: str) -> dict[str, dict[str, str]]:
    with (Path(folder) / "table.csv").open() as file:
        return {row["peer"]: row for row in csv.DictReader(file)}


def paint(path: Path, shade: int, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(shade, shade + 60, (9, 8, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def yearbook() -> Path:
    faces = Path("yearbook") / "faces_aligned_small_mirrored_co_aligned_cropped_cleaned"
    for year in (1910, 1955, 1975, 1995):
        for number in range(10):
            paint(faces / "F" / f"{year}_x_{number}.png", 180, year * 100 + number)
            paint(faces / "M" / f"{year}_x_{number}.png", 20, year * 100 + number + 50)
    return Path("yearbook")


def clear(classes: tuple[str, ...]) -> Path:
    for year in range(1, 11):
        for place, name in enumerate(("BACKGROUND", *classes)):
            for number in range(5):
                path = Path("clear") / "labeled_images" / str(year) / name / f"{number}.png"
                paint(path, 5 * place, (year * 100 + place) * 10 + number)
    (Path("clear") / "class_names.txt").write_text("\n".join(("BACKGROUND", *classes)) + "\n")
    return Path("clear")


@pytest.mark.slow
def test_digits_give_the_whole_table_without_any_data():
    done = reproduce("digits", *QUICK, "--budget", 20)
    assert done.exit_code == 0, done.output
    assert set(table("reproduction/digits")) == set(PEERS)
    report = Path("reproduction/digits/report.md").read_text()
    assert all(f"\n| {peer} | O(" in report for peer in PEERS)  # memory and time of each
    assert "written: reproduction/digits/report.md" in done.output
    again = reproduce("digits", *QUICK, "--budget", 20)
    steps = 2 * (len(PEERS) + 3)
    assert f"{steps} steps, {steps} done before" in again.output


def test_yearbook_as_it_lies_on_disk_gives_the_table(yearbook: Path):
    done = reproduce("yearbook", "--data", yearbook, *SMALL, "--labels", "gender", "--out", "table")
    assert done.exit_code == 0, done.output
    assert set(table("table")) == {"guarded", "published", "ensemble"}
    assert "before-1950, 1950-1969, 1970-1989, absorbed in this order; target 1990-on" in (
        Path("table/report.md").read_text()
    )
    assert "nothing is logged to MLflow: MLFLOW_TRACKING_URI is not set" in done.output


@pytest.mark.parametrize(("which", "classes"), [("clear10", ("bus", "soccer")), ("clear100", THIRTY)])
@pytest.mark.slow
def test_clear_as_it_lies_on_disk_gives_the_table(which: str, classes: tuple[str, ...]):
    done = reproduce(which, "--data", clear(classes), *SMALL, "--out", "table")
    assert done.exit_code == 0, done.output
    assert set(table("table")) == {"guarded", "published", "ensemble"}
    assert f"{len(classes)} classes, images 8 x 8 x 3" in Path("table/report.md").read_text()


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("yearbook",), OperationRefused, "grasp reproduce yearbook: needs --data"),
        (("clear10", "--data", "empty"), InvalidData, "has no folder labeled_images"),
        (("digits", "--architecture", "timm/mobilevit_xss"), UnknownArchitecture, "timm/mobilevit_xxs"),
        (("digits", "--architecture", "resnet"), InvalidDocument, "resnet"),
        (
            ("digits", "--architecture", "timm/vit_tiny_patch16_224"),
            InvalidConfig,
            "cannot see images of 8 x 8",
        ),
        (("digits", "--budget", 900), InvalidConfig, "budget 900"),
        (("digits", "--device", "cuda:77"), InvalidSettings, "cuda:77"),
        (("digits", "--out", "full"), OperationRefused, "is not empty and has no study.json"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_trained(words, error, said):
    Path("empty").mkdir()
    Path("full").mkdir()
    (Path("full") / "thesis.tex").write_text("precious")
    few = FEW if "--architecture" in words or words[0] == "digits" else SMALL
    refused = reproduce(*words, *few)
    assert isinstance(refused.exception, error), refused.output
    assert said in str(refused.exception)
    assert "source" not in refused.output


def test_an_unknown_peer_is_answered_with_those_that_are_alike():
    refused = reproduce("digits", "--peers", "best_sorce")
    assert refused.exit_code == 2
    assert "best_source" in refused.output
