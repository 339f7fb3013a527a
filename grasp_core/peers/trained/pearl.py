"""PEARL: a low-rank adapter per source over one network, composed with learned weights."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from grasp_core.data.target import Labels
from grasp_core.models.batchnorm import recalibrate
from grasp_core.peers.peer import Load, Memory, Peer, Task
from grasp_core.peers.trained.composed import Composed
from grasp_core.seed import generator

RANK = 16
ADAPTER_LR, WEIGHT_LR = 1e-3, 1e-2  # as published
SPREAD = 0.01  # standard deviation of an adapter that starts from nothing


class Adapter(nn.Module):
    """up @ down for each matrix, by the parameter's name: m x r and r x n, with r at most RANK."""

    def __init__(self, source: nn.Module, base: nn.Module, *, order: torch.Generator) -> None:
        super().__init__()
        theirs = dict(source.named_parameters())
        self.names = [name for name, parameter in base.named_parameters() if parameter.ndim > 1]
        ours = dict(base.named_parameters())
        parts = [low_rank((theirs[n] - ours[n]).detach().flatten(1), RANK, order=order) for n in self.names]
        self.ups = nn.ParameterList(up for up, _ in parts)
        self.downs = nn.ParameterList(down for _, down in parts)

    def matrices(self) -> dict[str, Tensor]:
        """Multiply out."""
        return {name: up @ down for name, up, down in zip(self.names, self.ups, self.downs, strict=True)}


def low_rank(matrix: Tensor, rank: int, *, order: torch.Generator) -> tuple[Tensor, Tensor]:
    """Give m x r and r x n whose product approximates best at that rank; 0 and noise for a zero matrix."""
    rank = min(rank, *matrix.shape)
    if not matrix.any():
        noise = torch.randn(rank, matrix.shape[1], generator=order) * SPREAD
        return matrix.new_zeros(len(matrix), rank), noise.to(matrix)
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * vh[:rank]


class Adapted(Composed):
    """base + sum_k w_k * up_k @ down_k, the weights a softmax; batch norm of the base is never trained."""

    def __init__(self, base: nn.Module, adapters: list[Adapter]) -> None:
        super().__init__(base)
        self.parts = adapters  # with their own type
        self.adapters = nn.ModuleList(adapters)
        self.scores = nn.Parameter(torch.zeros(len(adapters), device=next(base.parameters()).device))

    def train(self, mode: bool = True) -> "Adapted":
        """Leave the base in eval mode."""
        super().train(mode)
        self.base.eval()
        return self

    def additions(self) -> Mapping[str, Tensor]:
        """Weigh and add up."""
        weights = self.scores.softmax(0)
        parts = [adapter.matrices() for adapter in self.parts]
        shapes = dict(self.base.named_parameters())
        return {
            name: sum(
                (weight * part[name] for weight, part in zip(weights, parts, strict=True)),
                start=torch.zeros_like(parts[0][name]),
            ).view_as(shapes[name])
            for name in parts[0]
        }


class Pearl(Peer):
    """base + sum_k w_k * B_k A_k on all matrices: the base is the first source, B_k A_k the k-th's adapter.

    An adapter starts as the best rank-RANK approximation of what its source has over the base, and is trained
    alone on the labels for half the budget of epochs; then the weights of all, on the simplex, for the other
    half. The published code starts adapters at random and never reads the sources after the first; this is
    the paper's description. Its weights are kept on the simplex by clipping, here by a softmax. Batch norm is
    the base's, measured anew on the labels.
    The base and K adapters of rank RANK: r * (m + n) numbers for m x n. One budget of epochs per source, half
    of it training an adapter. Source: PEARL in GRASP, arXiv:2606.14900; LoRA, arXiv:2106.09685.
    """

    memory: ClassVar[Memory] = "O(K)"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.base = self.model
        self.adapters: list[Adapter] = []
        self.labels = Labels(task.data, task.config.batch_size)

    def meet(self, load_source: Load) -> int:
        """Make the source's adapter, train it, then weigh all."""
        source = load_source()
        if not self.adapters:
            self.base.load_state_dict(source.state_dict())
        order = generator(self.task.config.seed, "pearl", len(self.adapters))
        newest = Adapter(source, self.base, order=order)
        del source
        half = (self.task.config.epochs + 1) // 2
        passes = self._train(newest, lr=ADAPTER_LR, epochs=half)
        self.adapters.append(newest)
        return passes + self._weigh(epochs=self.task.config.epochs - half)

    def _train(self, newest: Adapter, *, lr: float, epochs: int) -> int:
        alone = Adapted(self.base, [newest])
        alone.scores.requires_grad = False
        recalibrate(alone, self.labels)
        return self.tune(alone, lr=lr, epochs=epochs)

    def _weigh(self, *, epochs: int) -> int:
        together = Adapted(self.base, self.adapters)
        together.adapters.requires_grad_(requires_grad=False)
        recalibrate(together, self.labels)
        passes = self.tune(together, lr=WEIGHT_LR, epochs=epochs) if epochs else 0
        recalibrate(together, self.labels)
        self.model = together.baked()
        return passes
