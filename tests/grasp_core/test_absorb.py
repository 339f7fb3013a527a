import copy
import weakref
from dataclasses import replace

import pytest
import torch

from grasp_core.absorb import absorb, begin
from grasp_core.alignment import align
from grasp_core.config import AbsorbConfig
from grasp_core.data.sample import sampled
from grasp_core.data.target import TargetData
from grasp_core.errors import IncompatibleSource, NonFiniteLoss
from grasp_core.growth.statistics import fit_statistics
from grasp_core.models.architectures import build
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.finetune import fine_tune
from grasp_core.transfer import select

MODES = ["guarded", "reference"]


def network(seed):
    torch.manual_seed(seed)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def config(mode, **settings):
    return AbsorbConfig(mode=mode, **{"epochs": 5, "initial_epochs": 5, "lr": 5e-3, **settings})


def equal(ours, theirs):
    theirs = theirs.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in ours.state_dict().items())


def stem_of(snapshots):
    stem = network(99)
    snapshots.load_into("stem", stem)
    return stem


@pytest.fixture(scope="module")
def grown(target_data):
    """A stem that has learned something, for a source to meet."""
    snapshots = MemorySnapshots()
    model = network(1)
    begin(model, lambda: network(1), target_data, config=config("reference"), snapshots=snapshots)
    return model


def run(mode, data, stem, source, **settings):
    target, snapshots = copy.deepcopy(stem), MemorySnapshots()
    absorbed = absorb(
        target, lambda: copy.deepcopy(source), data, config=config(mode, **settings), snapshots=snapshots
    )
    return target, snapshots, absorbed


@pytest.mark.parametrize("mode", MODES)
def test_the_first_source_becomes_the_target(target_data, mode):
    target, snapshots = network(3), MemorySnapshots()
    first = begin(target, lambda: network(1), target_data, config=config(mode), snapshots=snapshots)
    assert first.choice == "first"
    assert first.before is None
    assert first.scalars_transferred == first.scalars_total == sum(p.numel() for p in target.parameters())
    assert first.after_fine_tune == evaluate(target, target_data.val)
    assert first.after_fine_tune.loss < first.after_transfer.loss
    stem = stem_of(snapshots)
    if mode == "reference":
        assert equal(stem, target)
    else:
        source = network(1)
        assert fit_statistics(source, sampled(target_data, limit=96, seed=0), batch_size=32).share == 1.0
        assert equal(stem, source)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_seed_gives_the_same_target_bit_for_bit(target_data, grown, mode):
    torch.manual_seed(0)
    ours, _, one = run(mode, target_data, network(2), grown)
    torch.manual_seed(1)
    theirs, _, two = run(mode, target_data, network(2), grown)
    assert equal(ours, theirs)
    assert one == two
    assert not equal(ours, run(mode, target_data, network(2), grown, seed=1)[0])


def test_reference_mode_copies_what_the_published_alignment_selects(target_data, grown):
    one_batch = TargetData([next(iter(target_data.train))], target_data.val)
    source, twin = network(2), copy.deepcopy(grown)
    scores = align(network(2), twin, one_batch.train)
    names = select(scores, threshold=0.0)
    target, snapshots, absorbed = run("reference", one_batch, grown, source, threshold=0.0)
    assert absorbed.scores == scores
    assert absorbed.scalars_transferred == sum(p.numel() for n, p in source.named_parameters() if n in names)
    assert absorbed.choice == "absorbed"
    assert absorbed.before == evaluate(grown, target_data.val)
    assert absorbed.after_fine_tune == evaluate(target, target_data.val)
    assert equal(stem_of(snapshots), target)
    assert len(absorbed.epochs) == 5


def test_reference_mode_sums_over_the_alignment_batches(target_data, grown):
    scores = [run("reference", target_data, grown, network(2), alignment_batches=n)[2] for n in (1, 2)]
    assert scores[0].scores != scores[1].scores
    assert [s.gradient_passes - 5 * 45 for s in scores] == [2 * 32, 2 * 45]


def test_a_useless_source_leaves_the_stem_unchanged(target_data, grown):
    target, snapshots, absorbed = run("guarded", target_data, grown, network(2), alphas=(0.0, 1.0))
    assert absorbed.choice == "unchanged"
    assert (absorbed.alpha, absorbed.scalars_transferred, absorbed.epochs) == (0.0, 0, ())
    assert absorbed.after_fine_tune is None
    assert absorbed.before == absorbed.after_transfer
    assert equal(target, grown)
    assert equal(stem_of(snapshots), grown)


def test_a_better_newcomer_replaces_the_stem(target_data, grown):
    target, snapshots, absorbed = run("guarded", target_data, network(2), grown, alphas=(0.0,))
    assert absorbed.choice == "replaced"
    assert absorbed.source_loss < absorbed.stem_loss
    assert absorbed.scalars_transferred == absorbed.scalars_total
    recalibrated = copy.deepcopy(grown)
    fit_statistics(recalibrated, sampled(target_data, limit=96, seed=0), batch_size=32)
    assert equal(stem_of(snapshots), recalibrated)
    assert not equal(target, recalibrated)


def test_a_helpful_source_moves_the_stem_as_far_as_the_loss_falls(target_data, grown):
    """The stem must be anchor + alpha * (other - anchor), by a second computation."""
    source = network(1)
    begin(
        source,
        lambda: network(1),
        target_data,
        config=config("reference", seed=5),
        snapshots=MemorySnapshots(),
    )
    _, snapshots, absorbed = run("guarded", target_data, grown, source)
    labels = sampled(target_data, limit=96, seed=0)
    anchor, other = copy.deepcopy(grown), copy.deepcopy(source)
    if fit_statistics(other, labels, batch_size=32).loss < evaluate(anchor, labels.batches(32)).loss:
        anchor, other = other, anchor
    losses = []
    for alpha in (trial.alpha for trial in absorbed.search):
        trial = copy.deepcopy(anchor)
        with torch.no_grad():
            for p, q in zip(trial.parameters(), other.parameters(), strict=True):
                p += alpha * (q - p)
        if alpha > 0:  # at 0 the anchor stays as it is
            recalibrate(trial, labels.batches(32))
        losses.append((evaluate(trial, labels.batches(32)).loss, alpha, trial))
    assert [trial.loss for trial in absorbed.search] == pytest.approx(
        [loss for loss, _, _ in losses], rel=1e-4
    )
    _, alpha, best = min(losses, key=lambda entry: entry[0])
    assert absorbed.alpha == pytest.approx(alpha)
    assert alpha > 0, "the case is meant to have a gain"
    assert absorbed.choice == "absorbed"
    assert absorbed.statistics == 1.0
    for name, tensor in stem_of(snapshots).state_dict().items():
        torch.testing.assert_close(tensor, best.state_dict()[name], atol=1e-5, rtol=1e-4)
    assert absorbed.scores == dict.fromkeys(dict(grown.named_parameters()), alpha)


def test_the_stem_is_never_fine_tuned(target_data, grown):
    target, snapshots, absorbed = run("guarded", target_data, network(2), grown)
    assert evaluate(stem_of(snapshots), target_data.val) == absorbed.after_transfer
    assert evaluate(target, target_data.val) == absorbed.after_fine_tune
    assert not equal(target, stem_of(snapshots))


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


@pytest.mark.parametrize("mode", MODES)
def test_a_bad_source_leaves_the_target_as_it_arrived(target_data, grown, mode):
    def other_classes():
        return build("grasp/digits-cnn", in_channels=1, num_classes=3)

    def infinite():
        source = network(2)
        source.bn2.running_var[1] = float("inf")
        return source

    def overflowing():
        source = network(2)
        source.head.weight.data[0], source.head.weight.data[1] = 3e38, -3e38
        return source

    cases = [
        (other_classes, IncompatibleSource, r"head\.weight"),
        (infinite, IncompatibleSource, r"bn2\.running_var"),
        (overflowing, NonFiniteLoss, "loss"),
    ]
    for load, error, name in cases:
        for start in (absorb, begin):
            target = copy.deepcopy(grown)
            with pytest.raises(error, match=name):
                start(target, load, target_data, config=config(mode), snapshots=MemorySnapshots())
            assert equal(target, grown)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("mode", MODES)
def test_the_source_is_gone_before_the_fine_tune_starts(target_data, grown, mode):
    alive = []

    def load():
        source = copy.deepcopy(grown)
        alive.append(weakref.ref(source))
        return source

    class Listening:
        def __init__(self):
            self.steps, self.at_fine_tune = [], None

        def step(self, name):
            self.steps.append(name)
            if name == "fine_tune":
                self.at_fine_tune = alive[-1]()

        def epoch(self, epoch):
            pass

    for start in (begin, absorb):
        listener = Listening()
        start(
            network(2),
            load,
            target_data,
            config=config(mode),
            snapshots=MemorySnapshots(),
            progress=listener,
        )
        assert "fine_tune" in listener.steps
        assert listener.at_fine_tune is None
