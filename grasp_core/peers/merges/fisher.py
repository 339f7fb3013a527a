"""Fisher: a mean of weights in which each source counts where its predictions depend on them."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from grasp_core.data.batches import Batch, Batches
from grasp_core.models.loss import logits_of
from grasp_core.models.modes import mode
from grasp_core.peers.merges.merge import Merge
from grasp_core.peers.merges.vectors import flat, with_parameters
from grasp_core.peers.peer import Task

IMAGES = 256  # of the labels, at most
FLOOR = 1e-6  # added to every Fisher value: where no source depends on a weight, the plain mean is taken


def fisher_diagonal(model: nn.Module, batches: Batches, *, images: int = IMAGES) -> tuple[Tensor, int]:
    """Give mean over images of sum_y p(y|x) * (d log p(y|x) / d theta)^2, and the gradient passes.

    The sum runs over all classes, weighted by the model's own probabilities; true labels are not used.
    """
    total, seen, passes = torch.zeros_like(flat(model)), 0, 0
    parameters = list(model.parameters())
    with mode(model, "eval"), torch.enable_grad():
        for image in _one_by_one(batches, images):
            logs = logits_of(model, image)[0].log_softmax(1)[0]
            for log in logs:
                gradients = torch.autograd.grad(log, parameters, retain_graph=True, materialize_grads=True)
                gradient = torch.cat([each.reshape(-1) for each in gradients])
                total.addcmul_(gradient, gradient, value=float(log.detach().exp()))
            seen, passes = seen + 1, passes + len(logs)
    return total / seen, passes


class Fisher(Merge):
    """theta = sum_k (F_k + FLOOR) * theta_k / sum_k (F_k + FLOOR), per element; F: see fisher_diagonal.

    F_k is measured on the target's images, where the paper has each source's own, which nobody publishes.
    Numerator and denominator are kept in a stream: two parameter sizes, and two more while a source's own
    F is measured. Costs classes passes an image (IMAGES at most) and one fine-tune per source.
    Source: Fisher-weighted averaging, arXiv:2111.09832.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.weighted = torch.zeros_like(flat(self.model))
        self.weights = torch.zeros_like(self.weighted)

    def take(self, source: nn.Module) -> int:
        """Weigh the source in."""
        fisher, passes = fisher_diagonal(source, self.labels)
        fisher += FLOOR
        self.weights += fisher
        self.weighted += fisher.mul_(flat(source))
        return passes

    def merged(self) -> nn.Module:
        """Divide by the weights."""
        return with_parameters(self.model, self.weighted / self.weights)


def _one_by_one(batches: Iterable[Batch], images: int) -> Iterator[Batch]:
    left = images
    for pictures, labels in batches:
        for row in range(min(left, len(labels))):
            yield pictures[row : row + 1], labels[row : row + 1]
        left -= len(labels)
        if left <= 0:
            return
