"""The report's figures, worked out by hand from a ledger made by hand."""

import csv

import pytest

from tasks.reproduction.cells import Peak
from tasks.reproduction.results.report import write_report
from tasks.reproduction.sources import Trained
from tasks.reproduction.worlds.digits import Digits
from tasks.studies import ledger
from tasks.studies.cell import Cell
from tests.tasks.reproduction.conftest import STUDY

MIB = 2**20


def cell(peer, seed, final, setting="grasp/digits-cnn", passes=100):
    rows = tuple((0.1, 0.2, 0.3, 0.4, final - 0.1 * (4 - number)) for number in (1, 2, 3, 4))
    return Cell(
        setting=setting,
        seed=seed,
        peer=peer,
        accuracies=tuple(row[-1] for row in rows),
        gradient_passes=passes,
        cpu_s=1.5,
        wall_s=2.5,
        matrix=rows,
    )


@pytest.fixture
def report(bench):
    bench.out.mkdir()
    for seed, (guarded, published) in enumerate([(0.80, 0.70), (0.70, 0.66), (0.90, 0.80)]):
        ledger.append(bench.place.cells, cell("guarded", seed, guarded))
        ledger.append(bench.place.cells, cell("published", seed, published, passes=50))
    ledger.append(bench.place.cells, cell("ensemble", 0, 0.6, passes=0))
    ledger.append(bench.place.cells, cell("guarded", 0, 0.5, setting="timm/other"))
    ledger.append(
        bench.place.peaks,
        Peak(
            setting="grasp/digits-cnn",
            seed=0,
            peer="guarded",
            parameters=MIB,
            peaks=(4 * MIB, 5 * MIB, 6 * MIB, 7 * MIB),
            wall_s=1.0,
        ),
    )
    trained = {"setting": "grasp/digits-cnn", "accuracies": (0.5, 0.4, 0.3, 0.2, 0.1), "wall_s": 3.0}
    for seed in (0, 1):
        ledger.append(
            bench.place.trained,
            Trained(seed=seed, period="untrained", start="random", val_accuracy=None, **trained),
        )
        ledger.append(
            bench.place.trained,
            Trained(seed=seed, period="time-1-of-5", start="", val_accuracy=0.8 + 0.1 * seed, **trained),
        )
    return write_report(STUDY, Digits(STUDY.budget), bench.place)


def test_the_table_has_mean_and_deviation_per_network_and_their_mean(report):
    text = report.read_text()
    assert "| peer | grasp/digits-cnn | timm/other | mean |" in text
    assert "| guarded | 80.0 ± 10.0 | 50.0 | 65.0 |" in text
    assert "| published | 72.0 ± 7.2 | – |  |" in text
    assert "| ensemble | 60.0 | – |  |" in text
    assert "Seeds: 0, 1, 2." in text
    assert "on 20 labels of the target" in text


def test_differences_are_paired_from_guarded_and_from_the_published_procedure(report):
    text = report.read_text()
    assert "| published | +8.00 | +4.0 | 3 | 2.00 |" in text  # 10, 4, 10 points: sd 3.46, error 2
    assert "| guarded | -8.00 | -4.0 | 3 | 0.50 |" in text


def test_accuracy_by_number_of_sources_and_clears_metrics(report):
    text = report.read_text()
    assert "| guarded | 50.0 ± 10.0 | 60.0 ± 10.0 | 70.0 ± 10.0 | 80.0 ± 10.0 |" in text
    # diagonal 10, 20, 30, 40; superdiagonal 20, 30, 40 and the last target; below it 10, 10 20, 10 20 30
    assert "| guarded | 25.0 ± 0.0 | 42.5 ± 2.5 | 16.7 ± 0.0 | 46.0 ± 4.0 |" in text


def test_memory_and_time_per_method(report):
    text = report.read_text()
    assert "| guarded | O(1) | 5.0 | 7.0 | 7.0 | 100 | 1.5 | 2.5 |" in text
    assert "| ensemble | O(K) |  |  |  | 0 | 1.5 | 2.5 |" in text


def test_what_sources_know_before_anything_is_absorbed(report):
    text = report.read_text()
    assert "| untrained | 50.0 ± 0.0 | 40.0 ± 0.0 | 30.0 ± 0.0 | 20.0 ± 0.0 | 10.0 ± 0.0 | – | 3.0 |" in text
    assert "| 10.0 ± 0.0 | 85.0 ± 7.1 | 3.0 |" in text


def test_the_sheets_hold_every_cell_and_the_summary(report):
    with (report.parent / "cells.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 * 4 * 5
    assert rows[4] == {
        "dataset": "digits",
        "architecture": "grasp/digits-cnn",
        "peer": "guarded",
        "seed": "0",
        "sources": "1",
        "tested_on": "time-5-of-5",
        "accuracy": rows[4]["accuracy"],
    }
    assert float(rows[4]["accuracy"]) == pytest.approx(0.5)
    with (report.parent / "table.csv").open() as file:
        summary = {(row["architecture"], row["peer"]): row for row in csv.DictReader(file)}
    published = summary["grasp/digits-cnn", "published"]
    assert (float(published["accuracy"]), published["seeds"]) == (72.0, "3")
    assert float(published["guarded_minus_this"]) == pytest.approx(8.0)
    assert published["published_minus_this"] == ""
    assert summary["grasp/digits-cnn", "guarded"]["peak_bytes"] == str(7 * MIB)


def test_every_network_has_a_figure_that_the_report_shows(report):
    for name in ("accuracy-grasp--digits-cnn.png", "accuracy-timm--other.png"):
        assert (report.parent / name).read_bytes().startswith(b"\x89PNG")
        assert f"({name})" in report.read_text()


def test_a_study_without_cells_has_a_report_that_says_so(bench):
    bench.out.mkdir()
    assert "Seeds: none yet." in write_report(STUDY, Digits(STUDY.budget), bench.place).read_text()
