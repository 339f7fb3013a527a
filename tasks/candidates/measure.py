"""A model on the splits that decide and report, which the core never sees."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from grasp_core.data.augment import photographs_at_once
from grasp_core.data.samples import CPU, HERE, Handing, Samples
from grasp_core.levers import Levers
from grasp_core.models.equip import full_precision, levers_of
from grasp_core.models.evaluate import Metrics, evaluate, predict
from grasp_core.models.loss import device_of
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
    """Evaluate a model on gate and test, in the precision in which it is served."""
    handing = handing_of(levers_of(model), device_of(model))
    gate, test = (samples_of(target, dataset, split, handing=handing) for split in ("gate", "test"))
    with full_precision(model):
        predicted = predict(model, gate.batches(EVALUATION_BATCH)).numpy()
        return Measured(
            gate=evaluate(model, gate.batches(EVALUATION_BATCH)),
            test=evaluate(model, test.batches(EVALUATION_BATCH)),
            correct=predicted == np.asarray(dataset.splits["gate"].labels),
        )


def samples_of(target: Target, dataset: LoadedDataset, split: str, *, handing: Handing = HERE) -> Samples:
    """Give one split as the core takes it; images stay memory-mapped. Those of train may be augmented."""
    arrays, size = dataset.splits[split], target.input
    augmented = split == "train" and target.absorb.augment == "photographs"
    return Samples(
        arrays.images,
        arrays.labels,
        mean=size.mean,
        std=size.std,
        batch_size=target.absorb.batch_size,
        augment=photographs_at_once(height=size.height, width=size.width) if augmented else None,
        handing=handing,
    )


def handing_of(levers: Levers, device: torch.device) -> Handing:
    """Say how batches are handed to a model with these levers on a device."""
    return Handing(
        device=device if levers.on_device else CPU,
        ahead=levers.ahead,
        evaluation_batch=levers.evaluation_batch,
    )
