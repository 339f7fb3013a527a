"""The page about speed says what was measured, and what could not be."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.memory.photographs import measure
from benchmarks.speed import __main__ as command
from benchmarks.speed.record import Timing
from benchmarks.speed.report import GPU, report


def timing(variant: str, cpu_s: float, accuracy: float = 0.5) -> Timing:
    return Timing(
        variant=variant,
        network="timm/mobilevit_xxs",
        images=8,
        epochs=1,
        threads=2,
        wall_s=cpu_s / 2,
        cpu_s=cpu_s,
        peak_rss_bytes=10**9,
        accuracy=accuracy,
        seed=1,
        load=3.0,
    )


def test_a_ratio_is_of_medians_of_cpu_seconds(tmp_path: Path):
    found = [timing("published", each) for each in (9.0, 10.0, 30.0)] + [timing("auto plain", 5.0)]
    assert "2.00" in report(found, gpu=tmp_path / "none.json")


@pytest.mark.parametrize(("words", "kept"), [(["--quick"], False), (["--variants", "published"], True)])
def test_a_run_in_a_hurry_leaves_ledger_and_page_alone(
    words: list[str], kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.jsonl")
    monkeypatch.setattr(command, "DOCS", tmp_path / "page.md")
    monkeypatch.setattr(command, "one", lambda asked: timing(asked[0], 1.0))
    monkeypatch.setattr(sys, "argv", ["speed", *words, "--runs", "1"])
    command.main()
    assert (command.RESULTS.exists(), command.DOCS.exists()) == (kept, kept)


def test_what_is_right_is_said_as_mean_and_deviation(tmp_path: Path):
    found = [timing("published", 9.0, each) for each in (0.4, 0.6)]
    assert "50.0 ± 14.1" in report(found, gpu=tmp_path / "none.json")


def test_without_a_gpu_the_page_says_what_it_could_not_measure(tmp_path: Path):
    assert "Not measured: no ledger of a GPU is there" in report([], gpu=tmp_path / "none.json")


def test_parts_that_did_not_come_to_an_end_on_a_gpu_are_named():
    page = report([])
    assert GPU.exists()
    assert "compiled 32: not measured" in page
    assert "of it." in page


def test_memory_is_said_as_a_ratio_to_the_plain_fine_tune_of_the_same_network(tmp_path: Path):
    peaks = {"parameters": 4, "live": 100, "resident": 1000, "disk": 4}
    ledger = {
        "timm/mobilevit_xxs plain K=1 B=8": peaks,
        "timm/mobilevit_xxs guarded K=1 B=8": {**peaks, "live": 103, "resident": 1100, "disk": 12},
        "torchvision/resnet50 guarded K=1 B=8": peaks,  # nothing to hold it against
    }
    path = tmp_path / "memory.json"
    path.write_text(json.dumps(ledger))

    page = report([], memory=path)

    assert "| timm/mobilevit_xxs | guarded | 1 | 8 | 0 | 1.03 | 1.10 | 3.0 |" in page
    assert "resnet50 | guarded" not in page


def test_an_absorb_in_a_process_of_its_own_tells_its_peaks():
    told = measure("grasp/digits-cnn", "guarded", batch=8, sources=2, side=16)
    assert told["live"] > told["parameters"]
    assert told["resident"] > told["live"]
    assert 0 < told["disk"] < 8 * told["parameters"]
