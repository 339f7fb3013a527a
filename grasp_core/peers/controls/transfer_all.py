"""Transfer all: guarded mode, where every element may move."""

from typing import cast

import torch
from torch import BoolTensor, nn

from grasp_core.absorbed import Absorbed
from grasp_core.data.batches import Batches
from grasp_core.peers.controls.masked import Masked
from grasp_core.peers.peer import Load


def everything(_source: nn.Module, target: nn.Module, _batches: Batches) -> dict[str, BoolTensor]:
    """Mark every element of every parameter."""
    return {
        name: cast("BoolTensor", torch.ones_like(parameter, dtype=torch.bool))
        for name, parameter in target.named_parameters()
    }


class TransferAll(Masked):
    """Guarded GRASP that interpolates all elements, whatever the gradients say.

    The control of masking as such. It needs no gradients of the sources, though their passes are counted
    as guarded GRASP's. Source: linear interpolation between fine-tuned models, arXiv:2109.01903 (WiSE-FT).
    """

    def _absorb(self, load_source: Load) -> Absorbed:
        return self.guarded(load_source, everything)
