"""Tensor steps: guarded mode, where each tensor goes its own share of the way, as its gradient says."""

from collections.abc import Callable

import torch

from grasp_core.absorbed import Absorbed
from grasp_core.growth.way import Choose, Chosen, Trial, Way, line
from grasp_core.peers.controls.masked import Masked
from grasp_core.peers.peer import Load
from grasp_core.seed import generator

STEPS, NOTCH, DECAY = 10, 0.2, 0.8  # how often; the first step's length, in ways; the factor on the next

Signs = Callable[[Way], dict[str, float]]  # where a tensor is to go: below 0 onward, above it back


def notched(way: Way, alphas: tuple[float, ...], signs: Signs) -> Chosen:
    """Begin at the line search's step, move each tensor a notch on or back, ten times; the best wins."""
    begun = line(way, alphas)
    best, lowest = begun.alphas, min((trial.loss for trial in begun.trials), default=float("inf"))
    now, trials = dict(begun.alphas), list(begun.trials)
    way.go(now)
    for number in range(STEPS if begun.trials else 0):
        notch = NOTCH * DECAY**number
        for name, slope in signs(way).items():
            now[name] = min(1.0, max(0.0, now[name] - notch * ((slope > 0) - (slope < 0))))
        loss = way.loss(now)
        trials.append(Trial(alpha=sum(now.values()) / len(now), loss=loss))
        if loss < lowest:
            best, lowest = dict(now), loss
    return Chosen(best, tuple(trials), gradient_passes=STEPS * way.samples if begun.trials else 0)


def by_slope(way: Way, alphas: tuple[float, ...]) -> Chosen:
    """Move each tensor on where the labels' loss falls along its way, at the present point, else back."""
    return notched(way, alphas, Way.slopes)


class TensorSteps(Masked):
    """Guarded GRASP by parameter-wise alignment: a share of the way per tensor, from gradients at each point.

    GRASP's idea (arXiv:2606.14900, a decision per tensor by gradients on target data), with the direction to
    the source in place of the source's gradient. Costs ten gradients of the deciding labels per source.
    """

    choose: Choose = staticmethod(by_slope)

    def _absorb(self, load_source: Load) -> Absorbed:
        return self.guarded(load_source, choose=type(self).choose)


class RandomSteps(Masked):
    """Tensor steps by the toss of a coin: the control of what the gradients say. Costs what those cost."""

    def _absorb(self, load_source: Load) -> Absorbed:
        order = generator(self.task.config.seed, "random-steps", self.met)

        def toss(way: Way) -> dict[str, float]:
            coins = torch.rand(len(way.names), generator=order) - 0.5
            return dict(zip(way.names, coins.tolist(), strict=True))

        return self.guarded(load_source, choose=lambda way, alphas: notched(way, alphas, toss))
