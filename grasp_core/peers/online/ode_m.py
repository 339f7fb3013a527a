"""ODE-M: walk from the merge toward the newcomer as long as the labels' loss stays under a barrier."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from grasp_core.data.target import count
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import evaluate
from grasp_core.models.gradients import summed
from grasp_core.models.modes import mode
from grasp_core.peers.merges.merge import Merge
from grasp_core.peers.merges.vectors import by_tensor, flat
from grasp_core.peers.peer import Task

STEP = 0.05  # of time, which runs from 0 (the merge) to 1 (the newcomer)
DEVIATION = 0.24  # length of the part down the gradient, over that of the part toward the newcomer
BUDGET = 0.08  # by which the loss may exceed the line between both ends, at time 0
TRIES, SHRINK = 8, 0.7  # of a step that exceeds the barrier


@dataclass(frozen=True, slots=True)
class Barrier:
    """The highest loss allowed at a time: (1 - t) * start + t * end + BUDGET * (1 - t)^2."""

    start: float
    end: float

    def at(self, time: float) -> float:
        """Give the highest loss at a time in [0, 1]."""
        return (1 - time) * self.start + time * self.end + BUDGET * (1 - time) ** 2


def velocity(onward: Tensor, gradient: Tensor, *, bound: float) -> Tensor:
    """Give the v nearest to onward - eta * gradient with <gradient, v> <= bound.

    eta = DEVIATION * |onward| / |gradient|. Without a gradient v is onward.
    """
    length = gradient.norm()
    if length == 0:
        return onward.clone()
    base = onward - DEVIATION * onward.norm() / length * gradient
    excess = float(gradient @ base) - bound
    nearest: Tensor = base - max(excess, 0.0) / length**2 * gradient
    return nearest


class OdeM(Merge):
    """Euler steps of dm/dt = velocity((theta_k - m) / (1 - t), dL/dm) from t = 0 to 1 / k for source k.

    The bound on the slope is min(0, (barrier(t + STEP) - L) / STEP); a step that ends above the barrier is
    shortened by SHRINK, TRIES times, then left out. L is the cross-entropy on all labels, with batch norm
    measured anew at each point. The published code takes steps of 0.01 and a loss per task; here all sources
    share the task, so there is one loss and one constraint, and the closing refinement (80 steps of 1e-6) is
    left to the fine-tune.
    Two models and three parameter sizes beside the served one. Up to 1 / (k * STEP) gradients of all labels
    and one fine-tune per source. Source: ODE-M, arXiv:2605.19409, and its published code.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.point = task.build()
        self.met = 0

    def take(self, source: nn.Module) -> int:
        """Walk toward the source; the first one is where the walk begins."""
        self.met += 1
        if self.met == 1:
            self.point.load_state_dict(source.state_dict())
            return 0
        goal = flat(source)
        barrier = Barrier(self._loss(self.point), self._loss(source))
        steps = int(1 / self.met / STEP + 1e-9)
        for step in range(steps):
            self._step(goal, barrier, time=step * STEP)
        return steps * (count(self.task.data.train) + count(self.task.data.val))

    def merged(self) -> nn.Module:
        """Copy the point reached."""
        return copy.deepcopy(self.point)

    def _step(self, goal: Tensor, barrier: Barrier, *, time: float) -> None:
        here = flat(self.point)
        loss, gradient = self._loss(self.point), self._gradient()
        highest = barrier.at(time + STEP)
        bound = min(0.0, (highest - loss) / STEP)
        move = velocity((goal - here) / (1 - time), gradient, bound=bound).mul_(STEP)
        for attempt in range(TRIES):
            self._go_to(here + SHRINK**attempt * move)
            if self._loss(self.point) <= highest:
                return
        self._go_to(here)

    def _go_to(self, place: Tensor) -> None:
        pieces = by_tensor(place, self.point)
        with torch.no_grad():
            for name, parameter in self.point.named_parameters():
                parameter.copy_(pieces[name])

    def _loss(self, model: nn.Module) -> float:
        recalibrate(model, self.labels)
        return evaluate(model, self.labels).loss

    def _gradient(self) -> Tensor:
        gradient = torch.zeros_like(flat(self.point))
        pieces = by_tensor(gradient, self.point)
        with mode(self.point, "eval"), torch.enable_grad():
            for name, part in summed(self.point, self.labels, role="merge"):
                pieces[name].copy_(part)
        return gradient / (count(self.task.data.train) + count(self.task.data.val))
