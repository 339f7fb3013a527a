"""Work through a reproduction: what its ledgers lack is done, one step after the other."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from grasp_core.errors import TerminalError
from tasks.reproduction.cells import measure_cell, measure_peak
from tasks.reproduction.pace import Step, in_words
from tasks.reproduction.place import Place
from tasks.reproduction.plan import left_of, pace_of, start_of, steps
from tasks.reproduction.sources import UNTRAINED, Networks, names_of
from tasks.reproduction.study import Scope, Study
from tasks.reproduction.telling import Say, Sparse
from tasks.reproduction.worlds.world import World
from tasks.studies import ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A study, its data and place, what of it is to be done, and who hears of it.

    measured: called after every cell, and at the end; gives how many cells MLflow lacks. settled: called
    when a seed of an architecture is through, and at the end.
    """

    study: Study
    scope: Scope
    world: World
    place: Place
    device: torch.device
    say: Say
    measured: Callable[[], int]
    settled: Callable[[], None]

    def networks(self, architecture: str, seed: int) -> Networks:
        """Give the networks of one architecture and seed."""
        return Networks(
            study=self.study,
            world=self.world,
            place=self.place,
            architecture=architecture,
            seed=seed,
            device=self.device,
        )


def reproduce(work: Work) -> int:
    """Do what is left, telling each step and how long the rest may take; give the number that failed.

    A peer that this network, these images or this machine's memory do not suit fails alone, and is tried
    again by the next run. Raises InvalidConfig for a budget that the target has not, what the training of a
    source raises, and transient errors.
    """
    for path in (work.place.cells, work.place.trained, work.place.peaks):
        ledger.mend(path)
    for seed in work.scope.seeds:
        work.world.labelled(seed=seed)  # refuses a budget that the data do not have, before hours of training
    every = steps(work.scope, names_of(work.world))
    todo = left_of(every, work.place)
    pace, failed = pace_of(work.place), 0
    work.say(f"{len(every)} steps, {len(every) - len(todo)} done before; {in_words(pace.left_s(todo))}")
    try:
        for number, step in enumerate(todo, start=1):
            try:
                said, seconds = _do(step, work)
            except (TerminalError, torch.OutOfMemoryError) as error:
                if step.kind == "source":
                    raise
                said, seconds, failed = f"failed, and is left out for now: {error}", 0.0, failed + 1
            else:
                pace.add(step, seconds)
            place = f"{len(every) - len(todo) + number} of {len(every)}"
            left = in_words(pace.left_s(todo[number:])) if number < len(todo) else "the last one"
            work.say(f"[{place}] {step.architecture} seed {step.seed}, {said}; {left}")
            if number == len(todo) or (todo[number].architecture, todo[number].seed) != step[1:3]:
                work.settled()
    except KeyboardInterrupt:
        work.settled()
        raise
    if not todo:
        work.settled()
    if waiting := work.measured():
        work.say(f"{waiting} cells wait for MLflow: the same command logs them")
    return failed


def _do(step: Step, work: Work) -> tuple[str, float]:
    networks = work.networks(step.architecture, step.seed)
    if step.kind == "source":
        trained = (
            networks.begin(start_of(step.architecture, work.study.start, work.place), work.say)
            if step.name == UNTRAINED
            else networks.train(step.name, Sparse(work.say, step.name))
        )
        ledger.append(work.place.trained, trained)
        own = "" if trained.val_accuracy is None else f", {trained.val_accuracy:.1%} on its own val"
        return f"source {step.name}: {trained.accuracies[-1]:.1%} on the target's test{own}", trained.wall_s
    if step.kind == "cell":
        cell = measure_cell(networks, step.name)
        ledger.append(work.place.cells, cell)
        work.measured()
        return f"{step.name}: {cell.accuracies[-1]:.1%} after {len(cell.accuracies)} sources", cell.wall_s
    peak = measure_peak(networks, step.name)
    ledger.append(work.place.peaks, peak)
    return f"{step.name}: a peak of {peak.peaks[-1] / peak.parameters:.1f} networks", peak.wall_s
