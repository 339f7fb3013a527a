"""BMM: each layer is regressed on what the sources' layers compute, with the mean of the sources as prior."""

import copy
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.data.batches import Batch
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import evaluate
from grasp_core.models.loss import logits_of
from grasp_core.models.modes import mode
from grasp_core.peers.merges.average import stir_in
from grasp_core.peers.merges.merge import Merge
from grasp_core.peers.peer import Task

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # of the prior, over the mean of the Gram matrix's diagonal


def grams(model: nn.Module, batches: Iterable[Batch]) -> dict[str, Tensor]:
    """Give X^T X / rows of the inputs X that each linear layer and convolution gets, by its weight's name.

    A convolution's rows are its patches; convolutions in groups are left out. In eval mode.
    """
    sums: dict[str, tuple[Tensor, int]] = {}

    def take(name: str, layer: nn.Module, inputs: tuple[Tensor]) -> None:
        rows = _rows(layer, inputs[0].detach())
        total, seen = sums.get(name, (0.0, 0))
        sums[name] = total + rows.T @ rows, seen + len(rows)

    hooks = [
        layer.register_forward_pre_hook(partial(take, f"{name}.weight"))
        for name, layer in model.named_modules()
        if _fits(layer)
    ]
    try:
        with mode(model, "eval"), torch.no_grad():
            for batch in batches:
                logits_of(model, batch)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: total / seen for name, (total, seen) in sums.items()}


def _fits(layer: nn.Module) -> bool:
    """Say whether the layer is a matrix on its inputs' rows; subclasses may pad in ways of their own."""
    plain = type(layer) is nn.Conv2d and layer.groups == 1 and layer.padding_mode == "zeros"
    return type(layer) is nn.Linear or (plain and not isinstance(layer.padding, str))


def _rows(layer: nn.Module, inputs: Tensor) -> Tensor:
    if not isinstance(layer, nn.Conv2d):
        return inputs.flatten(0, -2)
    padding = (0, 0) if isinstance(layer.padding, str) else layer.padding
    patches = functional.unfold(inputs, layer.kernel_size, layer.dilation, padding, layer.stride)
    return patches.transpose(1, 2).flatten(0, 1)


def regressed(weighted: Tensor, gram: Tensor, prior: Tensor, *, strength: float) -> Tensor:
    """Give the W that minimises sum_k |W X_k^T - W_k X_k^T|^2 + r |W - prior|^2, m x n.

    weighted: sum_k W_k G_k, m x n; gram: sum_k G_k, n x n. r is strength times the mean of gram's diagonal.
    The minimum is (weighted + r prior) (gram + r I)^-1; the prior, where gram is all 0.
    """
    ridge = strength * float(gram.diagonal().mean())
    if ridge == 0:
        return prior.clone()
    wide = (gram.double() + ridge * torch.eye(len(gram), dtype=torch.float64, device=gram.device)).T
    found: Tensor = torch.linalg.solve(wide, (weighted.double() + ridge * prior.double()).T).T
    return found.to(prior)


class Bmm(Merge):
    """W = (sum_k W_k G_k + r * mean) (sum_k G_k + r I)^-1 for every layer; G_k as grams has it, of source k.

    The prior is the mean of the sources, which also stands for whatever is no layer. Of STRENGTHS the one
    with the lowest cross-entropy on all labels is taken, for all layers alike: the paper searches one for
    each module by Bayesian optimisation on validation data, for which a few labels are too few. G_k is of
    the target's images, where the paper has each task's own.
    Sums are kept in a stream: the mean, sum W_k G_k, and n x n numbers for each m x n layer. One forward
    pass of all labels per source, four recalibrations and evaluations, one fine-tune.
    Source: Bayesian Model Merging, arXiv:2605.12843; without the prior: RegMean, arXiv:2212.09849.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.mean = task.build()
        self.met = 0
        self.weighted: dict[str, Tensor] = {}
        self.grams: dict[str, Tensor] = {}

    def take(self, source: nn.Module) -> int:
        """Add the source's sums."""
        self.met += 1
        stir_in(self.mean, source, count=self.met)
        theirs = dict(source.named_parameters())
        for name, gram in grams(source, self.labels).items():
            product = theirs[name].detach().flatten(1) @ gram
            self.weighted[name] = self.weighted.get(name, 0.0) + product
            self.grams[name] = self.grams.get(name, 0.0) + gram
        return 0

    def merged(self) -> nn.Module:
        """Regress with each strength; give the best on the labels."""
        best, lowest = self.mean, float("inf")
        for strength in STRENGTHS:
            model = self._regressed(strength)
            recalibrate(model, self.labels)
            loss = evaluate(model, self.labels).loss
            if loss < lowest:
                best, lowest = model, loss
        return best

    def _regressed(self, strength: float) -> nn.Module:
        model = copy.deepcopy(self.mean)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in self.grams:
                    prior = parameter.flatten(1)
                    new = regressed(self.weighted[name], self.grams[name], prior, strength=strength)
                    parameter.copy_(new.view_as(parameter))
        return model
