"""Shuffled scores: the published loop, with its cosines dealt out to other tensors."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from grasp_core.absorbed import Absorbed
from grasp_core.alignment import align
from grasp_core.data.batches import Batches
from grasp_core.peers.grasp import Grasp
from grasp_core.peers.peer import Load, Task
from grasp_core.progress import SILENT
from grasp_core.reference import absorb_reference
from grasp_core.seed import generator


def shuffled(scores: Mapping[str, float], order: torch.Generator) -> dict[str, float]:
    """Deal the same scores out to the tensors at random."""
    values = list(scores.values())
    dealt = torch.randperm(len(values), generator=order).tolist()
    return {name: values[position] for name, position in zip(scores, dealt, strict=True)}


class ShuffledScores(Grasp):
    """GRASP's reference loop that transfers as many tensors as the alignment says, but not those.

    Costs what the published procedure costs. Source: DESIGN section 5.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(replace(task, config=replace(task.config, mode="reference")))

    def _absorb(self, load_source: Load) -> Absorbed:
        task = self.task
        order = generator(task.config.seed, "shuffled-scores", self.met)

        def score(source: nn.Module, target: nn.Module, batches: Batches) -> dict[str, float]:
            return shuffled(align(source, target, batches), order)

        return absorb_reference(
            self.model,
            load_source,
            task.data,
            config=task.config,
            snapshots=task.snapshots,
            progress=SILENT,
            score=score,
        )
