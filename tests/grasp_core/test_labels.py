import copy
from dataclasses import replace

import pytest
import torch

from grasp_core.absorb import begin
from grasp_core.data.target import TargetData
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.finetune import fine_tune
from tests.grasp_core.absorbing import MODES, config, equal, network, run, stem_of


def test_few_labels_are_all_trained_on_in_the_end(target_data, grown):
    absorbed = run("guarded", target_data, network(2), grown)[2]
    first, onward = absorbed.kept
    assert first == 2  # 0.4 of 5 epochs
    assert 0 < onward <= 3
    assert [(e.fold, e.epoch) for e in absorbed.epochs] == [
        *((1, epoch) for epoch in (1, 2)),
        *((2, epoch) for epoch in range(1, onward + 1)),
    ]
    assert absorbed.gradient_passes == 2 * 45 + onward * 60


def test_many_labels_get_one_plain_fine_tune(target_data, grown):
    soup = run("guarded", target_data, network(2), grown, tuning="fold_soup")[2]
    plain = run("guarded", target_data, network(2), grown, soup_limit=59)[2]
    single = run("guarded", target_data, network(2), grown, folds=1)[2]
    assert [(e.fold, e.epoch) for e in soup.epochs] == [(f, e) for f in (1, 2, 3, 4) for e in (1, 2)]
    assert plain.epochs == single.epochs
    assert [(e.folds, e.epoch) for e in plain.epochs] == [(1, e) for e in range(1, 6)]
    assert soup.gradient_passes == 4 * 2 * 45


def test_val_is_measured_once_per_model(target_data, grown):
    """Before, each epoch, after: the metrics of a plain fine-tune are its first and its best epoch's."""
    counted = Counted(target_data.val)
    data = TargetData(target_data.train, counted)
    target, snapshots, absorbed = run("guarded", data, network(2), grown, folds=1)
    # labels of the sample and its rows, labels that exist, how many there are; the stem on arrival; epochs
    assert counted.read <= 8 + 1 + 1 + 5
    assert absorbed.before == evaluate(network(2), target_data.val)
    assert absorbed.after_transfer == evaluate(stem_of(snapshots), target_data.val)
    assert absorbed.after_fine_tune == evaluate(target, target_data.val)


class Counted:
    """Batches that count how often they are read."""

    def __init__(self, samples):
        self.batches, self.read = list(samples), 0

    def __iter__(self):
        self.read += 1
        return iter(self.batches)


@pytest.fixture(scope="module")
def knowing(target_data):
    """A stem that knows all ten digits."""
    model = network(1)
    learnt = config("reference", initial_epochs=60)
    begin(model, lambda: network(1), target_data, config=learnt, snapshots=MemorySnapshots())
    return model


def only(data, classes):
    return TargetData(*(samples_of(part, classes) for part in (data.train, data.val)))


def test_classes_without_a_label_are_not_trained_away(target_data, knowing):
    """Four of the digits have no label any more: what says yes to them is left as it was."""
    left, plain, snapshots = only(target_data, range(6)), copy.deepcopy(knowing), MemorySnapshots()
    tuned = config("guarded").fine_tuning(epochs=40)
    fine_tune(plain, left.train, left.val, config=replace(tuned, selection="accuracy"), snapshots=snapshots)

    target, _, absorbed = run("guarded", left, network(2), knowing, epochs=40, alphas=(0.0,))

    assert absorbed.choice == "replaced"
    assert absorbed.epochs
    others = knowing.head.bias[6:]
    assert torch.allclose(target.head.bias[6:], others, atol=1e-3)
    assert (plain.head.bias[6:] < others - 5e-3).all()
    assert absorbed.after_fine_tune == evaluate(target, left.val)  # as it is served, among all classes


def test_labels_of_half_the_classes_train_nothing(target_data, knowing):
    half = only(target_data, range(5))
    target, _, absorbed = run("guarded", half, network(2), knowing, alphas=(0.0,))
    assert (absorbed.choice, absorbed.epochs, absorbed.statistics) == ("replaced", (), 0.0)
    assert equal(target, knowing)  # the newcomer, as it came
    assert absorbed.after_fine_tune == evaluate(knowing, half.val)


def samples_of(samples, classes):
    keep = torch.isin(samples.labels, torch.tensor(list(classes)))
    return samples.subset(keep.nonzero().flatten())


def test_batches_of_any_iterable_serve_as_data(target_data, grown):
    listed = TargetData(list(target_data.train), list(target_data.val))
    for mode in MODES:
        _, _, absorbed = run(mode, listed, network(2), grown)
        assert absorbed.after_fine_tune.samples == 15
    _, _, streamed = run("guarded", listed, network(2), grown, soup_limit=10)
    assert streamed.gradient_passes == 5 * 45
