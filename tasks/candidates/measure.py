"""A model on the splits that decide and report, which the core never sees."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from grasp_core.data.samples import Samples
from grasp_core.models.evaluate import Metrics, evaluate, predict
from tasks.candidates.gate import Correct
from tasks.contracts.target import Target
from tasks.data.datasets import LoadedDataset

EVALUATION_BATCH = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A model on the splits that decide and report. correct: one bool per gate sample."""

    gate: Metrics
    test: Metrics
    correct: Correct


def measure(model: nn.Module, target: Target, dataset: LoadedDataset) -> Measured:
    """Evaluate a model on gate and test."""
    gate, test = samples_of(target, dataset, "gate"), samples_of(target, dataset, "test")
    predicted = predict(model, gate.batches(EVALUATION_BATCH)).numpy()
    return Measured(
        gate=evaluate(model, gate.batches(EVALUATION_BATCH)),
        test=evaluate(model, test.batches(EVALUATION_BATCH)),
        correct=predicted == np.asarray(dataset.splits["gate"].labels),
    )


def samples_of(target: Target, dataset: LoadedDataset, split: str) -> Samples:
    """Give one split as the core takes it; images stay memory-mapped."""
    arrays, size = dataset.splits[split], target.input
    return Samples(
        arrays.images, arrays.labels, mean=size.mean, std=size.std, batch_size=target.absorb.batch_size
    )
