import copy
import weakref

import pytest
import torch

from grasp_core.absorb import absorb, begin
from grasp_core.alignment import align
from grasp_core.data.sample import sampled
from grasp_core.data.target import TargetData
from grasp_core.errors import IncompatibleSource, NonFiniteLoss
from grasp_core.growth.statistics import fit_statistics
from grasp_core.models.architectures import build
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import evaluate, judge
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.transfer import select
from tests.grasp_core.absorbing import MODES, config, equal, network, run, stem_of


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
    if fit_statistics(other, labels, batch_size=32).loss < judge(anchor, labels.batches(32)).tempered:
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
