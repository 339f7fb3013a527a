"""aTLAS: a learned coefficient for every tensor of every task vector."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.peers.merges.merge import KeptVectors
from grasp_core.peers.merges.vectors import by_tensor, flat
from grasp_core.peers.peer import Task
from grasp_core.peers.trained.composed import Composed

LR = 0.1  # of the coefficients, as published


class Scaled(Composed):
    """base + sum_k c_kj * t_kj, for every tensor j; the coefficients c, K x tensors, are what is trained."""

    def __init__(self, base: nn.Module, vectors: list[Tensor], coefficients: Tensor) -> None:
        super().__init__(base)
        self.vectors = [by_tensor(vector, base) for vector in vectors]
        self.coefficients = nn.Parameter(coefficients)

    def additions(self) -> Mapping[str, Tensor]:
        """Scale and add up."""
        return {
            name: sum(
                (c[number] * vector[name] for c, vector in zip(self.coefficients, self.vectors, strict=True)),
                start=torch.zeros_like(parameter),
            )
            for number, (name, parameter) in enumerate(self.base.named_parameters())
        }


class Atlas(KeptVectors):
    """theta_j = ancestor_j + sum_k c_kj * t_kj, c learned on the labels by AdamW; then all is fine-tuned.

    Half the budget of epochs goes to the coefficients, half to the fine-tune. A newcomer's coefficients
    start at 0, as published; the others go on from where they were.
    Keeps all K task vectors beside the ancestor. One budget of epochs per source, the first half of which
    reads the K vectors at every step. Source: aTLAS, arXiv:2407.02880.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.coefficients = flat(self.model).new_zeros(0, len(list(self.model.parameters())))

    def add(self, vector: Tensor) -> None:
        """Keep the vector, its coefficients at 0."""
        super().add(vector)
        self.coefficients = functional.pad(self.coefficients, (0, 0, 0, 1))

    def take(self, source: nn.Module) -> int:
        """Learn all coefficients, once there is a vector to scale."""
        super().take(source)
        if not self.learned:
            return 0
        scaled = Scaled(self.ancestor, self.vectors, self.coefficients)
        passes = self.tune(scaled, epochs=self._first_half(), lr=LR)
        self.coefficients = scaled.coefficients.detach()
        return passes

    def merged_vector(self) -> Tensor:
        """Scale and add up."""
        merged = torch.zeros_like(self.vectors[0])
        pieces = by_tensor(merged, self.ancestor)
        for name, added in Scaled(self.ancestor, self.vectors, self.coefficients).additions().items():
            pieces[name].copy_(added.detach())
        return merged

    def finish(self) -> int:
        """Spend on the weights what the coefficients left of the budget."""
        left = self.task.config.epochs - (self._first_half() if self.learned else 0)
        return self.tune(self.model, epochs=left) if left else 0

    def _first_half(self) -> int:
        return (self.task.config.epochs + 1) // 2
