"""Rows of a head for classes that its network was never shown, from the target's labels alone."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import LBFGS

from grasp_core.data.sample import sampled
from grasp_core.data.target import TargetData, to_measure
from grasp_core.errors import IncompatibleSource
from grasp_core.growth.head import head_of
from grasp_core.models.equip import full_precision
from grasp_core.models.loss import logits_of
from grasp_core.models.modes import mode

LABELS = 2048  # that the rows are fitted to at most; one of each class in turn
PULL = 1e-3  # of the squared way from where the rows began, beside the mean cross-entropy
STEPS = 100


def fit_new_rows(module: nn.Module, data: TargetData, *, known: int, batch_size: int, seed: int) -> None:
    """Fit the head's rows from `known` on to the labels, in place; all else is held still.

    That is a logistic regression on what the last layer is given: convex, in float64 on the CPU, so it ends
    the same each time. Why the labels: no source knows these classes, and rows that begin without a
    direction (zeros, a mean) are not learned within the few epochs of a fine-tune (docs/LOG.md, 2026-11-26).
    Raises IncompatibleSource without a linear layer.
    """
    found = head_of(module)
    if found is None:
        raise IncompatibleSource("the network has no linear layer; rows cannot be added; nothing was fitted")
    head = found[1]
    features, logits, labels = _seen(module, head, data, batch_size=batch_size, seed=seed)
    start = [row[known:].detach().cpu().double() for row in head.parameters()]
    rows = [row.clone().requires_grad_() for row in start]
    solver = LBFGS(rows, max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        new = functional.linear(features, *rows)
        cost = functional.cross_entropy(torch.cat([logits[:, :known], new], dim=1), labels)
        cost = cost + PULL * (rows[0] - start[0]).square().sum()
        cost.backward()  # type: ignore[no-untyped-call]
        return cost

    with torch.enable_grad():
        solver.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for row, fitted in zip(head.parameters(), rows, strict=True):
            row[known:] = fitted.to(row)


def _seen(
    module: nn.Module, head: nn.Linear, data: TargetData, *, batch_size: int, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Give what the head is given (N x D), what it answers (N x K), both float64 on the CPU, and N labels."""
    inputs: list[Tensor] = []
    answers: list[tuple[Tensor, Tensor]] = []
    hook = head.register_forward_pre_hook(lambda _module, given: inputs.append(given[0].cpu().double()))
    try:
        with mode(module, "eval"), full_precision(module), torch.no_grad():
            for batch in to_measure(sampled(data, limit=LABELS, seed=seed), batch_size):
                logits, labels = logits_of(module, batch)
                answers.append((logits.cpu().double(), labels.cpu()))
    finally:
        hook.remove()
    logits, labels = (torch.cat(each) for each in zip(*answers, strict=True))
    return torch.cat(inputs), logits, labels
