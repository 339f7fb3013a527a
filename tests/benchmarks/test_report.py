from benchmarks.accuracy import report
from benchmarks.accuracy.settings import CLAIM
from tasks.studies import ledger
from tasks.studies.cell import Cell


def test_the_report_is_written_from_a_ledger_that_is_not_complete(tmp_path):
    path = tmp_path / "ledger.jsonl"
    for setting in CLAIM:
        for seed in (1, 2, 3):
            for number, peer in enumerate(("guarded", "best_source", "random_mask", "published")):
                final = 0.8 - number / 100 + seed / 1000
                cell = Cell(
                    setting=setting.name,
                    seed=seed,
                    peer=peer,
                    accuracies=(0.5, final),
                    gradient_passes=100,
                    cpu_s=1.0,
                )
                ledger.append(path, cell)
    report.write(path, tmp_path / "docs")
    text = (tmp_path / "docs" / "benchmark.md").read_text()
    assert "{{" not in text
    assert "| best_source | +1.00 |" in text
    assert report.NOT_YET in text
    figures = sorted(figure.name for figure in (tmp_path / "docs" / "benchmark").iterdir())
    assert figures == ["by-budget.png", "by-order.png", "by-sources.png"]
    assert all(f"benchmark/{name}" in text for name in figures)
