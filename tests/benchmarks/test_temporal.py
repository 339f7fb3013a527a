"""The real-time data, built from tiny packages in the real format; nothing is fetched."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.accuracy.cells import measure
from benchmarks.accuracy.settings import Setting, World
from benchmarks.temporal import corpus, features, report
from benchmarks.temporal.corpus import Emoji
from benchmarks.temporal.drift import drift
from benchmarks.temporal.packages import PERIODS, fetch
from benchmarks.temporal.settings import BLOCK, FULL, QUICK
from benchmarks.temporal.trunk import Block
from grasp_core.data.emoji import CLASSES
from tasks.studies.cell import Cell
from tasks.studies.ledger import append
from tests.benchmarks.packages import entry, package

DRAWN = 90  # identities; the first period lacks the last ten
TRUNK = nn.Sequential(nn.AvgPool2d(32), nn.Conv2d(3, 192, 1))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Features of two periods, the first one on a sheet; colours tell the classes apart."""
    folder = tmp_path_factory.mktemp("temporal")
    entries = [entry(f"1F{row:03X}", CLASSES[row % 9], place=row) for row in range(DRAWN)]
    colours = [(25 * (row % 9), 250 - 25 * (row % 9), row, 255) for row in range(DRAWN)]
    early = [each | {"category": "Nature"} for each in entries[:-10]]
    tarballs = {
        "2016": package(folder / "a.tgz", early, colours[:-10], sheet=True),
        "2025": package(folder / "b.tgz", entries, colours),
    }
    torch.manual_seed(0)
    tensors = {
        name: t.numpy() for name, t in Block().state_dict().items() if not name.startswith("classifier.")
    }
    into = folder / "features"
    into.mkdir()
    features.build(tarballs, TRUNK, tensors, into)
    return into


@pytest.fixture(autouse=True)
def _small(monkeypatch, made):
    monkeypatch.setattr(corpus, "ready", lambda: made)
    monkeypatch.setattr(corpus, "TEST_SIZE", 30)
    monkeypatch.setattr(corpus, "TARGET_SIZE", 25)


def names(*splits):
    return [{name.partition("-")[2] for name in split.ids} for split in splits]


def test_an_identity_serves_sources_or_target_labels_or_test():
    splits = Emoji("block").target(budget=20, strength=1, seed=3)
    source = Emoji("block").source(1, of=1, strength=1, seed=3)
    parts = names(source, splits.train, splits.val, splits.test)
    assert [len(part) for part in parts[1:]] == [10, 10, 30]
    assert len(set().union(*parts)) == sum(map(len, parts))
    assert len(parts[0]) + 10 >= DRAWN - 55
    other = Emoji("block").target(budget=20, strength=1, seed=4)
    assert names(other.test) != names(splits.test)


def test_sources_are_of_the_earlier_periods_alone():
    assert all(name.startswith("2016-") for name in Emoji("block").source(1, of=1, strength=1, seed=0).ids)
    with pytest.raises(ValueError, match="needs 1 to 1"):
        Emoji("block").source(2, of=2, strength=1, seed=0)


def test_a_drawing_has_the_class_that_the_last_package_gives_it():
    source = Emoji("head").source(1, of=1, strength=1, seed=0)
    for name, label in zip(source.ids, source.labels, strict=True):
        assert int(name.partition("-1F")[2], 16) % 9 == label


def test_the_head_reads_what_the_pretrained_end_makes_of_the_features():
    torch.manual_seed(1)
    whole = Emoji("block").network().eval()
    features_of = Emoji("block").source(1, of=1, strength=1, seed=0).samples().batch(torch.arange(4))[0]
    pooled = Emoji("head").source(1, of=1, strength=1, seed=0).samples().batch(torch.arange(4))[0]
    with torch.inference_mode():
        expected = whole.pooled(features_of)
    assert torch.allclose(pooled[:, :, 0, 0], expected, atol=2e-3)
    assert Emoji("head-bn").network()(pooled).shape == (4, 9)


@pytest.mark.parametrize("sources", ["plain", "chained"])
def test_a_cell_of_the_head_is_measured(tmp_path, sources):
    setting = Setting(World("emoji-head", 1.0, k=1, sources=sources), "chronological", 20, ("guarded",))
    cell = measure(setting, "guarded", seed=0, cache=tmp_path)
    assert cell.setting == f"emoji-head S1 K1 {sources} chronological B20"
    assert 0 <= cell.accuracies[0] <= 1


def test_bytes_that_were_not_measured_are_refused(tmp_path):
    known = replace(PERIODS[0], sha256=hashlib.sha256(b"known").hexdigest())
    (tmp_path / known.file).write_bytes(b"known")
    assert fetch(known, tmp_path) == tmp_path / known.file
    (tmp_path / known.file).write_bytes(b"other")
    with pytest.raises(SystemExit, match="needs " + known.sha256):
        fetch(known, tmp_path)


def test_settings_have_names_of_their_own_and_periods_that_are_there():
    for settings in (FULL, QUICK):
        assert len({setting.name for setting in settings}) == len(settings)
        assert all(setting.world.k < len(PERIODS) for setting in settings)
    assert [package.period for package in PERIODS] == sorted(package.period for package in PERIODS)
    assert np.all([len(package.sha256) == 64 for package in PERIODS])


def test_the_report_shows_the_drift_and_says_what_was_not_measured(tmp_path, made, monkeypatch):
    monkeypatch.setattr(report, "ready", lambda: made)
    ledger = tmp_path / "full.jsonl"
    for seed in (1, 2, 3):
        for number, peer in enumerate(("guarded", "tensor_steps")):
            append(
                ledger,
                Cell(
                    setting=BLOCK[0].name,
                    seed=seed,
                    peer=peer,
                    accuracies=(0.5, 0.6 + number / 100 + seed / 1000),
                    gradient_passes=10,
                    cpu_s=1.0,
                ),
            )
    (tmp_path / "docs" / "benchmark").mkdir(parents=True)
    report.write(ledger, tmp_path / "docs")
    text = (tmp_path / "docs" / "benchmark" / "temporal.md").read_text()
    assert "{{" not in text
    assert "| trained on | 2016 | 2025 |" in text
    assert "| tensor_steps | -1.00 |" in text
    assert (tmp_path / "docs" / "benchmark" / "temporal-by-sources.png").exists()
    again = (tmp_path / "drift.json").read_text()
    report.write(ledger, tmp_path / "docs")  # the matrix is kept
    assert (tmp_path / "drift.json").read_text() == again


def test_a_probe_is_tested_on_identities_that_it_never_saw(made):
    found = features.periods(made)
    held = frozenset(found[1].identities[::3])
    measured = drift(found, [held, held])
    assert measured.splits == 2
    assert all(0 <= value <= 100 for row in measured.accuracies for value in row)
    with pytest.raises(ValueError, match="0 sample"):  # all held: nothing is left to learn from
        drift(found, [frozenset(found[1].identities)])
