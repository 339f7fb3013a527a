"""Run a flow and die, or stop, at a named point: `python -m tests.flows.dying POINT TARGET [FLOW]`.

The points are functions of the pipeline, wrapped here and nowhere else; POINT@stop stops instead of dying.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import mlflow

import flows.rebuild
import tasks.absorbing.project
import tasks.absorbing.settle
import tasks.absorbing.steps
import tasks.candidates.steps
import tasks.weights.blobs

woken: list[bool] = []


def die(how: signal.Signals) -> None:
    """Die; or stop, but only once: who is woken goes on to the end."""
    if not woken:
        woken.append(True)
        os.kill(os.getpid(), how)


def after(module: Any, name: str, how: signal.Signals, *, when: Callable[..., bool] = lambda *a, **k: True):
    """Let a function do its work, then die."""
    original = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if when(*args, **kwargs):
            die(how)
        return result

    setattr(module, name, wrapped)


def before(module: Any, name: str, how: signal.Signals, *, when: Callable[..., bool] = lambda *a, **k: True):
    """Die before a function does anything."""
    original = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if when(*args, **kwargs):
            die(how)
        return original(*args, **kwargs)

    setattr(module, name, wrapped)


def is_fine_tune(_: Any, step: str) -> bool:
    return step == "fine_tune"


def is_late_epoch(_: Any, epoch: Any) -> bool:
    return epoch.epoch == 2


def is_champion(_: Any, __: str, alias: str, *rest: Any) -> bool:
    return alias == "champion"


POINTS: dict[str, Callable[[signal.Signals], None]] = {
    "after-download": lambda how: after(tasks.weights.blobs, "fetch_file", how),
    "after-transfer": lambda how: before(tasks.candidates.steps.Steps, "step", how, when=is_fine_tune),
    "mid-fine-tune": lambda how: after(tasks.candidates.steps.Steps, "epoch", how, when=is_late_epoch),
    "after-logging": lambda how: after(tasks.absorbing.steps, "log_outcome", how),
    "after-registering": lambda how: after(tasks.absorbing.settle, "register", how),
    "after-commit": lambda how: after(tasks.absorbing.settle, "commit", how),
    "between-aliases": lambda how: before(
        mlflow.MlflowClient, "set_registered_model_alias", how, when=is_champion
    ),
    "before-projected": lambda how: before(tasks.absorbing.project, "write_projected", how),
    "after-switch": lambda how: after(flows.rebuild, "switch", how),
}


def main(point: str, target: str, flow: str = "absorb") -> None:
    name, _, then = point.partition("@")
    POINTS[name](signal.SIGSTOP if then == "stop" else signal.SIGKILL)
    if flow == "absorb":
        from flows.absorb import absorb

        absorb(target)
    else:
        from flows.backfill import backfill
        from tasks.contracts.rebuild import BackfillRequest

        backfill(target, BackfillRequest(from_period=flow, then="apply"))


if __name__ == "__main__":
    main(*sys.argv[1:])
