"""A bounded, stratified sample of a target's labels, to decide by."""

import torch
from torch import Tensor

from grasp_core.data.batches import Batches
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData, gather
from grasp_core.seed import generator


def sampled(data: TargetData, *, limit: int, seed: int) -> Samples:
    """Bring at most limit labelled images into memory, from each class as equally many as there are.

    They come in turns, one of each class after the other, so that any two neighbouring stretches of it show
    the same classes. uint8 images stay uint8; augmentation is left out.
    Raises InvalidData without samples.
    """
    labels = all_labels(data)
    chosen = _in_turns(labels, limit=limit, seed=seed)
    border, rising = len(labels_of(data.train)), chosen.sort().values
    few = gather(
        TargetData(
            _rows(data.train, rising[rising < border]),
            _rows(data.val, rising[rising >= border] - border),
        )
    )
    return few.subset(chosen.argsort().argsort())  # its rows lie in rising order of their positions


def all_labels(data: TargetData) -> Tensor:
    """Give the labels of train, then val, N int64."""
    return torch.cat([labels_of(data.train), labels_of(data.val)])


def labels_of(part: Batches) -> Tensor:
    """Give all labels, N int64, in the order of the batches."""
    if isinstance(part, Samples):
        return part.labels
    return torch.cat([torch.zeros(0, dtype=torch.int64), *(labels for _, labels in part)])


def _in_turns(labels: Tensor, *, limit: int, seed: int) -> Tensor:
    """Give the positions of at most limit labels: one of each class, then a second of each, and so on."""
    order = torch.randperm(len(labels), generator=generator(seed, "sample"))
    turn = torch.zeros_like(labels)
    for label in torch.bincount(labels).nonzero().flatten():
        places = order[labels[order] == label]
        turn[places] = torch.arange(len(places))
    return (turn * (int(labels.max()) + 1) + labels).argsort()[:limit]


def _rows(part: Batches, positions: Tensor) -> Batches:
    """Give the samples at these positions, in rising order."""
    if isinstance(part, Samples):
        return part.subset(positions)
    kept, start = [], 0
    for images, labels in part:
        here = positions[(positions >= start) & (positions < start + len(labels))] - start
        if len(here):
            kept.append((images[here], labels[here]))
        start += len(labels)
    return kept
