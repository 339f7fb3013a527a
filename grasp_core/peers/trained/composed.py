"""A frozen network whose parameters something learned adds to."""

import copy
from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call


class Composed(nn.Module):
    """Computes as its base would with additions to its parameters; only what makes the additions is trained.

    In train mode batch norm works as in the base; the base is a copy.
    """

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        self.base = copy.deepcopy(base).requires_grad_(requires_grad=False)

    @abstractmethod
    def additions(self) -> Mapping[str, Tensor]:
        """Give what is added to the base's parameters, by their names; those not named stay."""

    def forward(self, images: Tensor) -> Tensor:
        """Map N x C x H x W images to N x num_classes logits."""
        added = self.additions()
        changed = {name: p + added[name] for name, p in self.base.named_parameters() if name in added}
        logits: Tensor = functional_call(self.base, changed, (images,))
        return logits

    def baked(self) -> nn.Module:
        """Give a plain network that computes the same."""
        plain = copy.deepcopy(self.base).requires_grad_()
        with torch.no_grad():
            added = self.additions()
            for name, parameter in plain.named_parameters():
                if name in added:
                    parameter.add_(added[name])
        return plain
