"""What a rank made reads the same in the process of the absorb."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from grasp_core.absorbed import Absorbed
from grasp_core.growth.way import Trial
from grasp_core.levers import Levers
from grasp_core.models.evaluate import Metrics
from grasp_core.progress import Epoch
from tasks.candidates.candidate import Candidate, Files
from tasks.candidates.measure import Measured
from tasks.candidates.ranks.documents import Made

METRICS = Metrics(accuracy=1 / 3, loss=0.1 + 0.2, samples=3, confusion=((1, 0), (2, 0)))
EPOCH = Epoch(fold=1, folds=2, epoch=1, epochs=3, train_loss=1e-17, val_loss=2.5, val_accuracy=0.5)
MEASURED = Measured(gate=METRICS, test=METRICS, correct=np.array([True, False, False]))
MADE = Candidate(
    absorbed=Absorbed(
        mode="guarded",
        choice="replaced",
        alpha=0.0,
        scores={"a.weight": 1 / 7},
        scalars_transferred=1,
        scalars_total=2,
        before=METRICS,
        after_transfer=METRICS,
        after_fine_tune=None,
        epochs=(EPOCH,),
        kept=(0, 3),
        gradient_passes=5,
        stem_loss=2.0,
        source_loss=1.0,
        search=(Trial(alpha=0.25, loss=1.5),),
        pieces=1,
        statistics=0.5,
    ),
    before=None,
    after_transfer=MEASURED,
    after_fine_tune=MEASURED,
    files=Files(served=Path("/a/served"), served_sha256="0" * 64, stem=Path("/a/stem"), stem_sha256="1" * 64),
    license="CC0-1.0",
    source_classes=9,
    seconds={"load": 0.1},
    peak_bytes={"load": 3},
    gpu={"power_w": 1.5},
    levers=Levers(channels_last=True, ahead=2),
)


def test_a_candidate_comes_from_its_rank_as_it_was_made():
    read = Made.model_validate_json(Made.of(MADE).model_dump_json()).candidate(devices=2)
    for stage in ("after_transfer", "after_fine_tune"):
        found = getattr(read, stage)
        assert (found.gate, found.test, found.correct.tolist()) == (METRICS, METRICS, [True, False, False])
    assert replace(read, after_transfer=MEASURED, after_fine_tune=MEASURED) == replace(MADE, devices=2)


def test_an_unchanged_stem_has_no_files():
    unchanged = replace(MADE, before=MEASURED, after_fine_tune=None, files=None)
    read = Made.model_validate_json(Made.of(unchanged).model_dump_json()).candidate(devices=2)
    assert (read.after_fine_tune, read.files) == (None, None)
    assert read.before is not None
