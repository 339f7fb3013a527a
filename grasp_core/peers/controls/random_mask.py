"""Random mask: guarded mode, moving as many elements as agree in sign, but others."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import BoolTensor, nn

from grasp_core.absorbed import Absorbed
from grasp_core.alignment import agreement
from grasp_core.data.samples import Samples
from grasp_core.peers.controls.masked import Masked
from grasp_core.peers.peer import Load
from grasp_core.seed import generator


def scattered(masks: Mapping[str, BoolTensor], order: torch.Generator) -> dict[str, BoolTensor]:
    """Move each mask's marks to random elements of the same tensor: equal density, no information."""
    moved = {}
    for name, mask in masks.items():
        positions = torch.randperm(mask.numel(), generator=order).to(mask.device)
        moved[name] = cast("BoolTensor", mask.flatten()[positions].view_as(mask))
    return moved


class RandomMask(Masked):
    """Sign agreement with the marks of its mask scattered, tensor by tensor.

    The control of what the signs say. Costs what sign agreement costs. Source: DESIGN section 5.
    """

    def _absorb(self, load_source: Load) -> Absorbed:
        order = generator(self.task.config.seed, "random-mask", self.met)

        def compare(source: nn.Module, target: nn.Module, labels: Samples) -> dict[str, BoolTensor]:
            return scattered(agreement(source, target, labels), order)

        return self.guarded(load_source, compare=compare)
