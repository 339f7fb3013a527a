"""The steps of a reproduction in their order, and those that its ledgers lack."""

from collections.abc import Iterable, Sequence

from tasks.reproduction.cells import Peak
from tasks.reproduction.pace import Pace, Step
from tasks.reproduction.place import Place
from tasks.reproduction.sources import UNTRAINED, Trained
from tasks.reproduction.study import Scope, Start
from tasks.studies import ledger
from tasks.studies.cell import Cell


def steps(scope: Scope, names: Sequence[str]) -> list[Step]:
    """List all steps: seed by seed the networks, then the peers; last the memory of an architecture.

    names: of a seed's networks, in the order in which they are made.
    """
    every: list[Step] = []
    for architecture in scope.architectures:
        for seed in scope.seeds:
            every += [Step("source", architecture, seed, name) for name in names]
            every += [Step("cell", architecture, seed, peer) for peer in scope.peers]
        every += [Step("peak", architecture, scope.seeds[0], peer) for peer in scope.peers]
    return every


def left_of(every: Iterable[Step], place: Place) -> list[Step]:
    """Give the steps that are still to be done; networks only where a cell or a peak needs them."""
    done: set[Step] = {Step("cell", *key) for key in ledger.done(place.cells)}
    done |= {_key(Step("peak", peak.setting, 0, peak.peer)) for peak in ledger.records(place.peaks, Peak)}
    done |= {
        Step("source", each.setting, each.seed, each.period)
        for each in ledger.records(place.trained, Trained)
        if place.file(each.setting, each.seed, each.period).exists()
    }
    rest = [step for step in every if _key(step) not in done]
    needed = {(step.architecture, step.seed) for step in rest if step.kind != "source"}
    return [step for step in rest if (step.architecture, step.seed) in needed]


def pace_of(place: Place) -> Pace:
    """Learn from the ledgers how long steps take."""
    pace = Pace()
    for each in ledger.records(place.trained, Trained):
        pace.add(Step("source", each.setting, each.seed, each.period), each.wall_s)
    for cell in ledger.records(place.cells, Cell):
        pace.add(Step("cell", cell.setting, cell.seed, cell.peer), cell.wall_s)
    for peak in ledger.records(place.peaks, Peak):
        pace.add(Step("peak", peak.setting, peak.seed, peak.peer), peak.wall_s)
    return pace


def start_of(architecture: str, wanted: Start, place: Place) -> Start:
    """Say what sources start from: as those before did, so that seeds compare; else as wanted."""
    for each in ledger.records(place.trained, Trained):
        if each.setting == architecture and each.period == UNTRAINED:
            return "pretrained" if each.start == "pretrained" else "random"
    return wanted


def _key(step: Step) -> Step:
    """Memory is measured once, whatever the seed."""
    return step._replace(seed=0) if step.kind == "peak" else step
