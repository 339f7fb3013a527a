"""A reproduction goes on where it was stopped, and says how far it is."""

from dataclasses import replace

import pytest
import torch

from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.errors import InvalidConfig, NonFiniteLoss
from grasp_core.peers.catalogue import PEERS
from tasks.errors import OperationRefused
from tasks.reproduction.cells import Peak, measure_peak
from tasks.reproduction.run import reproduce
from tasks.reproduction.sources import Trained
from tasks.reproduction.worlds.digits import Digits
from tasks.studies import ledger
from tasks.studies.cell import Cell

pytestmark = pytest.mark.slow


def cells(bench):
    return list(ledger.records(bench.place.cells, Cell))


def figures(bench):
    return {(cell.seed, cell.peer): cell.matrix for cell in cells(bench)}


def test_every_peer_meets_the_same_sources_on_the_same_splits(bench):
    assert bench.run("last_source", "ensemble", seeds=(0, 1)) == 0
    assert [(cell.seed, cell.peer) for cell in cells(bench)] == [
        *((0, "last_source"), (0, "ensemble")),
        *((1, "last_source"), (1, "ensemble")),
    ]
    for cell in cells(bench):
        assert [len(row) for row in cell.matrix] == [
            5
        ] * 4  # after each source, on four periods and the target's
        assert cell.accuracies == tuple(row[-1] for row in cell.matrix)
    trained = list(ledger.records(bench.place.trained, Trained))
    alone = next(each for each in trained if (each.seed, each.period) == (0, "time-1-of-5"))
    assert figures(bench)[0, "ensemble"][0] == alone.accuracies  # an ensemble of one is the source itself
    assert bench.settled == 3  # after each seed, and at the end


@pytest.mark.slow
def test_what_is_asked_for_later_is_added_and_nothing_is_trained_twice(bench):
    bench.run("last_source")
    first, weights = cells(bench), {path: path.stat().st_mtime_ns for path in bench.out.rglob("*.tensors")}
    assert len(weights) == 6
    bench.run("last_source", "ensemble")
    assert cells(bench)[:1] == first
    assert [cell.peer for cell in cells(bench)] == ["last_source", "ensemble"]
    assert {path: path.stat().st_mtime_ns for path in bench.out.rglob("*.tensors")} == weights
    assert [peak.peer for peak in ledger.records(bench.place.peaks, Peak)] == ["last_source", "ensemble"]
    bench.run("last_source", "ensemble")
    assert bench.said[0].startswith("10 steps, 10 done before")


@pytest.mark.slow
@pytest.mark.parametrize("at", ["source time-2-of-5", "last_source: "])
def test_stopped_anywhere_it_goes_on_and_comes_to_the_same_figures(bench, tmp_path, at):
    from tests.tasks.reproduction.conftest import Bench

    whole = Bench(tmp_path / "whole")
    whole.run("last_source", "guarded")
    bench.stop_at = at
    with pytest.raises(KeyboardInterrupt):
        bench.run("last_source", "guarded")
    assert bench.settled == 1  # the report has what there is
    with bench.place.cells.open("a") as file:
        file.write('{"setting": "torn by a kill')
    bench.stop_at = "never"
    bench.run("last_source", "guarded")
    assert figures(bench) == figures(whole)


def test_weights_that_are_gone_are_made_again_only_where_a_peer_needs_them(bench):
    bench.run("last_source")
    for path in bench.out.rglob("*.tensors"):
        path.unlink()
    bench.run("last_source")
    assert not list(bench.out.rglob("*.tensors"))
    bench.run("last_source", "ensemble")
    assert len(list(bench.out.rglob("*.tensors"))) == 6


def test_how_long_the_rest_takes_is_told_from_the_second_step_on(bench):
    bench.run("last_source")
    assert "how long is not known yet" in bench.said[0]
    steps = [line for line in bench.said if line.startswith("[")]  # others tell an epoch on a slow machine
    assert all(" left" in line for line in steps[:-1])
    assert "the last one" in bench.said[-1]
    bench.run("last_source", "scratch")
    assert " left" in bench.said[0]  # as the ledger of the run before has it


def test_a_peer_that_fails_fails_alone_and_is_tried_again(bench, monkeypatch):
    errors = {"guarded": NonFiniteLoss("loss is NaN"), "last_source": torch.OutOfMemoryError("no room")}

    def failing(error):
        def fails(task):
            raise error

        return fails

    broken = {peer: failing(error) for peer, error in errors.items()}
    monkeypatch.setattr("tasks.reproduction.cells.PEERS", {**PEERS, **broken})
    assert bench.run("guarded", "last_source", "ensemble") == 4  # their cells and their peaks
    assert [cell.peer for cell in cells(bench)] == ["ensemble"]
    for error in errors.values():
        assert any(f"failed, and is left out for now: {error}" in line for line in bench.said)
    monkeypatch.undo()
    assert bench.run("guarded", "last_source", "ensemble") == 0
    assert {cell.peer for cell in cells(bench)} == {"ensemble", "guarded", "last_source"}


def test_cells_that_mlflow_lacks_are_counted_at_the_end(bench):
    bench.run("ensemble", measured=lambda: 3)
    assert bench.said[-1] == "3 cells wait for MLflow: the same command logs them"


def test_two_runs_never_work_in_one_place(bench):
    bench.out.mkdir()
    with (
        bench.place.alone(),
        pytest.raises(OperationRefused, match="another grasp reproduce is at work"),
        bench.place.alone(),
    ):
        pass
    with bench.place.alone():
        assert bench.run("ensemble") == 0


def test_a_budget_that_the_target_has_not_is_refused_before_anything_is_trained(bench):
    bench.run()
    work = replace(bench.work("ensemble"), world=Digits(900))
    with pytest.raises(InvalidConfig, match="budget 900"):
        reproduce(work)
    assert not bench.place.trained.exists()


class OneSided:
    """A world whose target's labels are all of one class."""

    def __init__(self, world):
        self._world = world

    def __getattr__(self, name):
        return getattr(self._world, name)

    def labelled(self, *, seed):
        data = self._world.labelled(seed=seed)
        return TargetData(*(Samples(part.images, part.labels * 0) for part in (data.train, data.val)))


def test_memory_is_measured_while_training_whichever_labels_come_first(bench):
    bench.run("last_source")
    work = bench.work("guarded")
    peaks = [
        measure_peak(replace(work, world=world).networks("grasp/digits-cnn", 0), "guarded").peaks
        for world in (work.world, OneSided(work.world))
    ]
    assert peaks[1] == peaks[0]
    assert peaks[0][-1] > 4 * measure_peak(work.networks("grasp/digits-cnn", 0), "ensemble").parameters
