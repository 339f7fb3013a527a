"""What becomes of a champion when a harmful source is absorbed: guarded mode, then the gate."""

import copy
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import nn

from benchmarks.negative_transfer.harmful import HARMFUL, STRENGTH, good
from grasp_core.absorb import absorb, begin
from grasp_core.config import AbsorbConfig, Mode
from grasp_core.data import digits
from grasp_core.data.digits import Split
from grasp_core.data.target import TargetData
from grasp_core.models.evaluate import evaluate, predict
from grasp_core.models.snapshots import STEM, MemorySnapshots
from tasks.candidates.gate import Correct, Judged, Reference, judge
from tasks.contracts.target import GateSettings

GATE = 190  # all labels that the budget of 60 and the test split leave


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One harmful source. gate_change, test_change: of the champion's accuracy, in points."""

    seed: int
    mode: Mode
    source: str
    choice: str
    promoted: bool
    gate_change: float
    test_change: float
    candidate_change: float  # on the gate split, had the candidate been promoted unseen


def outcomes(seed: int, *, mode: Mode) -> list[Outcome]:
    """Make a champion of a good source, then let each harmful source come in turn."""
    splits = digits.target(budget=60, strength=STRENGTH, seed=seed, gate=GATE)
    data = TargetData(splits.train.samples(), splits.val.samples())
    config = AbsorbConfig(mode=mode, lr=1e-3, epochs=20, initial_epochs=20, seed=seed)
    settings, snapshots = GateSettings(), MemorySnapshots()
    ancestor = good(seed)
    target = copy.deepcopy(ancestor)
    begin(target, partial(copy.deepcopy, ancestor), data, config=config, snapshots=snapshots)
    champion = best = _Standing(target, splits.gate, splits.test)
    found = []
    for name, make in HARMFUL.items():
        source = make(ancestor, seed)
        snapshots.load_into(STEM, target)
        snapshots.save("parent", target)
        absorbed = absorb(target, partial(copy.deepcopy, source), data, config=config, snapshots=snapshots)
        candidate, before, promoted = champion, champion, False
        if absorbed.choice != "unchanged":
            candidate = _Standing(target, splits.gate, splits.test)
            verdict = judge(
                settings, candidate.judged(), champion=champion.reference(), best=best.reference()
            )
            promoted = verdict.decision == "promoted"
        if promoted:
            champion = candidate
            best = max(best, candidate, key=lambda standing: standing.gate.mean())
        else:
            snapshots.load_into("parent", target)
            snapshots.save(STEM, target)
        found.append(
            Outcome(
                seed=seed,
                mode=mode,
                source=name,
                choice=absorbed.choice,
                promoted=promoted,
                gate_change=_points(champion.gate, before.gate),
                test_change=_points(champion.test, before.test),
                candidate_change=_points(candidate.gate, before.gate),
            )
        )
    return found


class _Standing:
    """Where a served model is right on the gate and test splits: one bool per sample; its loss on gate."""

    def __init__(self, model: nn.Module, gate: Split, test: Split) -> None:
        self.gate, self.test = _correct(model, gate), _correct(model, test)
        self.loss = evaluate(model, gate.samples().batches(128)).loss

    def judged(self) -> Judged:
        """Stand before the gate."""
        return Judged(correct=self.gate, loss=self.loss, classes=len(digits.CLASSES))

    def reference(self) -> Reference:
        """Stand for a version that the gate holds a candidate against."""
        return Reference(registry_version=1, correct=self.gate, loss=self.loss)


def _correct(model: nn.Module, split: Split) -> Correct:
    predicted = predict(model, split.samples().batches(128)).numpy()
    return np.asarray(predicted == split.labels)


def _points(after: Correct, before: Correct) -> float:
    return round(100 * float(after.mean() - before.mean()), 3)
