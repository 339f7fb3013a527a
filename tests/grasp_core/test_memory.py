"""Live tensor bytes, counted over whole absorbs."""

import copy

import pytest
import torch
from torch import nn

from benchmarks.memory.network import network
from grasp_core.absorb import absorb, begin
from grasp_core.alignment import agreement, align
from grasp_core.config import AbsorbConfig
from grasp_core.data.target import TargetData
from grasp_core.models.snapshots import DiskSnapshots
from tasks.studies.live import peak_sizes

pytestmark = pytest.mark.slow

TEMPORARY = 0.35  # parameter sizes: activations, a batch, buffers, two tensors in the middle of an operation


@pytest.fixture
def small_batches(target_data):
    """Batches of eight, so that activations weigh little beside parameters."""
    return TargetData(
        list(target_data.train.batches(8)),
        list(target_data.val.batches(8)),
    )


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("compare", [align, agreement])
def test_alignment_needs_three_parameter_sizes(small_batches, compare, count):
    source, target = network(1), network(2)
    peak = peak_sizes(lambda: compare(source, target, small_batches.train[:count]), source, target)
    assert peak < 3 + TEMPORARY


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["guarded", "reference"])
def test_a_sequence_of_sources_needs_four_parameter_sizes(small_batches, tmp_path, mode):
    snapshots = DiskSnapshots(tmp_path)
    config = AbsorbConfig(mode=mode, lr=1e-3, epochs=3, batch_size=8, alignment_batches=2)
    target = network(0)

    def first():
        begin(target, lambda: network(1), small_batches, config=config, snapshots=snapshots)

    def later(seeds):
        for seed in seeds:
            snapshots.load_into("stem", target)
            absorb(target, lambda seed=seed: network(seed), small_batches, config=config, snapshots=snapshots)

    peak_first = peak_sizes(first, target)
    peak_few = peak_sizes(lambda: later([2, 3]), target)
    peak_many = peak_sizes(lambda: later(range(4, 12)), target)
    assert max(peak_first, peak_few, peak_many) < 4 + TEMPORARY
    assert peak_many < 1.02 * max(peak_first, peak_few)


@pytest.mark.parametrize("depth", [10, 1], ids=["even", "one large tensor"])
@pytest.mark.parametrize(("mode", "batches"), [("guarded", 1), ("reference", 1), ("reference", 3)])
def test_one_fold_needs_no_more_than_a_plain_fine_tune(small_batches, tmp_path, depth, mode, batches):
    snapshots = DiskSnapshots(tmp_path)
    config = AbsorbConfig(mode=mode, folds=1, lr=1e-3, epochs=3, batch_size=8, alignment_batches=batches)
    plain, target = network(3, depth=depth), network(0, depth=depth)

    def plain_training():
        optimizer = torch.optim.AdamW(plain.parameters(), lr=1e-3, fused=True)
        for images, labels in small_batches.train * 2:
            loss = nn.functional.cross_entropy(plain(images), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            del loss

    def absorbing():
        absorb(target, lambda: network(1, depth=depth), small_batches, config=config, snapshots=snapshots)

    baseline = peak_sizes(plain_training, plain)
    assert peak_sizes(absorbing, target) <= 1.05 * baseline


def test_the_counter_sees_a_second_model():
    model = network(0)
    assert 1.9 < peak_sizes(lambda: copy.deepcopy(model), model) < 2.1
