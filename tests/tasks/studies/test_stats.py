"""The report's arithmetic against figures worked out by hand."""

import pytest

from tasks.studies import ledger
from tasks.studies.cell import Cell
from tasks.studies.stats import by_seed, difference, spread
from tasks.studies.tables import NOT_YET, cell_table, difference_table, setting_table


def cell(peer, seed, final, setting="one", passes=100):
    return Cell(
        setting=setting, seed=seed, peer=peer, accuracies=(0.1, final), gradient_passes=passes, cpu_s=1.0
    )


CELLS = [
    *(cell("guarded", seed, final) for seed, final in ((1, 0.80), (2, 0.70), (3, 0.90))),
    *(cell("best_source", seed, final, passes=50) for seed, final in ((1, 0.78), (2, 0.69), (3, 0.87))),
]


def test_a_spread_is_of_final_accuracies_in_points():
    figures = spread(CELLS, "guarded", ["one"])
    assert (figures.mean, figures.sd, figures.seeds) == (pytest.approx(80.0), pytest.approx(10.0), 3)


def test_a_difference_is_paired_by_seed():
    gap = difference(CELLS, "guarded", "best_source", ["one"])  # 2, 1 and 3 points: sd 1, error 1/sqrt(3)
    assert (gap.points, gap.t, gap.seeds) == (pytest.approx(2.0), pytest.approx(2 * 3**0.5), 3)
    assert gap.passes == pytest.approx(2.0)


def test_settings_of_one_seed_count_as_one_mean():
    cells = [*CELLS, *(cell("guarded", seed, 0.5, setting="two") for seed in (1, 2))]
    assert by_seed(cells, "guarded", ["one", "two"]) == {1: pytest.approx(65.0), 2: pytest.approx(60.0)}


def test_a_setting_measured_twice_counts_once_and_one_that_is_missing_is_missed():
    cells = [*CELLS, cell("guarded", 1, 0.9), cell("guarded", 2, 0.5, setting="two")]
    assert by_seed(cells, "guarded", ["one", "two"]) == {2: pytest.approx(60.0)}
    assert by_seed(cells, "guarded", ["one"])[1] == pytest.approx(90.0)


def test_passes_are_compared_over_the_seeds_that_both_have():
    cells = [*CELLS, cell("guarded", 4, 0.5, passes=100_000)]
    assert difference(cells, "guarded", "best_source", ["one"]).passes == pytest.approx(2.0)


def test_tables_leave_open_what_was_not_measured():
    cells = [*CELLS, cell("guarded", 1, 0.5, setting="two"), cell("guarded", 2, 0.5, setting="two")]
    assert cell_table(cells, ["one", "two"]).splitlines()[3] == "| two | 50.0 ± 0.0 |  |"
    assert "| best_source | +2.00 | +3.5 | 3 | 2.00 |" in difference_table(CELLS, ["one"], ours="guarded")
    assert "| one | 3 | +2.00 (t +3.5, 2.00x) |" in setting_table(
        CELLS, ["one"], ours="guarded", rivals=["best_source"]
    )
    beside = setting_table(CELLS, ["one"], ours="guarded", rivals=["refit_best_source", "best_source"])
    assert "| one | 3 |  | +2.00 (t +3.5, 2.00x) |" in beside  # under its own name, whoever is not there
    assert difference_table(CELLS, ["one"], ours="published") == NOT_YET
    assert difference_table(CELLS, [], ours="guarded") == NOT_YET


def test_a_ledger_gives_back_its_cells_and_forgets_a_torn_line(tmp_path):
    path = tmp_path / "ledger.jsonl"
    for each in CELLS:
        ledger.append(path, each)
    with path.open("a") as file:
        file.write('{"setting": "torn')
    ledger.mend(path)
    assert list(ledger.records(path, Cell)) == CELLS
    assert ("one", 2, "best_source") in ledger.done(path)
