"""A batch that does not fit into memory goes on in pieces, to the same result, and this is said."""

import logging

import numpy as np
import pytest
import torch
from torch import nn

from grasp_core.absorb import absorb
from grasp_core.alignment import agreement, align
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data.pieces import cut
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.growth.way import Way
from grasp_core.models.batchnorm import recalibrate, statistics_of
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.finetune import fine_tune


class Small(nn.Module):
    """Runs out of memory with more images than it has room for."""

    def __init__(self, room: int, *, norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.room, self.failed = room, 0
        middle = nn.BatchNorm1d(16) if norm else nn.Identity()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), middle, nn.Tanh(), nn.Linear(16, 4))

    def forward(self, x):
        if len(x) > self.room:
            self.failed += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.net(x)


class Other(Small):
    """The same with other weights."""

    def __init__(self, room: int, *, norm: bool = False) -> None:
        super().__init__(room, norm=norm)
        torch.manual_seed(4)
        self.net[1].reset_parameters()


def data(count: int, seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    pixels = rng.integers(0, 120, (count, 8, 8, 1))
    pixels[:, :4, :4] += (labels * 30)[:, None, None, None]
    return Samples(pixels.astype(np.uint8), labels, mean=(0.5,), std=(0.5,))


def tuned(room: int):
    model = Small(room)
    config = FineTuneConfig(lr=1e-2, batch_size=32)
    return model, fine_tune(model, data(100, 1), data(32, 2), config=config, snapshots=MemorySnapshots())


def test_half_the_batch_twice_gives_the_same_model(caplog):
    with caplog.at_level(logging.WARNING):
        small, told = tuned(room=16)
    roomy, plain = tuned(room=1000)
    assert (told.pieces, plain.pieces) == (2, 1)
    assert told.epochs[-1].train_loss == pytest.approx(plain.epochs[-1].train_loss, rel=1e-4)
    for a, b in zip(small.parameters(), roomy.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-5)
    assert "a batch of 32 images does not fit into memory (CUDA out of memory)" in caplog.text
    assert "2 pieces" in caplog.text


def test_pieces_stay_as_small_as_they_had_to_become():
    small, told = tuned(room=8)
    assert told.pieces == 4
    assert small.failed == 2 + 2 * 3  # training once; each epoch's evaluation begins with whole batches


def test_memory_for_not_even_two_images_is_an_error():
    with pytest.raises(torch.OutOfMemoryError):
        tuned(room=1)


def test_measuring_goes_on_in_pieces_too():
    held = data(32, 2)
    assert evaluate(Small(5), held.batches(32)) == pytest.approx(evaluate(Small(32), held.batches(32)))


def test_an_absorb_tells_into_how_many_pieces_it_cut():
    result = absorb(
        Small(16, norm=True),
        lambda: Small(16, norm=True),
        TargetData(data(100, 1), data(32, 2)),
        config=AbsorbConfig(mode="reference", threshold=-1, lr=1e-3, batch_size=32),
        snapshots=MemorySnapshots(),
    )
    assert result.pieces == 2


@pytest.mark.parametrize("held", [data(32, 1).batches(32), data(90, 1).batches(32)], ids=["one", "several"])
def test_a_batch_in_pieces_aligns_as_a_whole_one(held):
    batches = list(held)

    small, roomy = (align(Small(room), Other(room), batches) for room in (16, 1000))

    assert small == pytest.approx(roomy, abs=1e-5)
    assert max(abs(score) for score in roomy.values()) > 0.1


def test_a_batch_in_pieces_agrees_in_the_same_elements():
    batches = list(data(90, 1).batches(32))

    small, roomy = (agreement(Small(room), Other(room), batches) for room in (16, 1000))

    assert all(float((small[name] == roomy[name]).float().mean()) > 0.999 for name in roomy)


def test_what_ran_out_of_memory_leaves_no_statistics_behind_that_alignment_moved():
    batches = list(data(32, 1).batches(32))
    small, roomy = Other(16, norm=True), Other(1000, norm=True)
    align(Small(16, norm=True), small, batches)
    align(Small(1000, norm=True), roomy, [piece for batch in batches for piece in cut(batch, 2)])

    for name, buffer in roomy.named_buffers():
        assert torch.equal(buffer, dict(small.named_buffers())[name]), name


def test_batches_that_cannot_be_read_again_have_one_try():
    with pytest.raises(torch.OutOfMemoryError):
        align(Small(16), Other(16), data(32, 1).batches(32))


def test_slopes_of_a_way_are_the_same_in_pieces():
    options = {"batch_size": 32, "statistics": None}

    small, roomy = (
        Way(Small(room), Other(room), data(64, 1), **options, snapshots=MemorySnapshots()).slopes()
        for room in (16, 1000)
    )

    assert small == pytest.approx(roomy, rel=1e-4, abs=1e-6)


def test_statistics_are_measured_in_pieces_too():
    small, roomy = Small(16, norm=True), Small(1000, norm=True)
    batches = list(data(96, 1).batches(32))

    recalibrate(small, batches)
    recalibrate(roomy, [piece for batch in batches for piece in cut(batch, 2)])

    assert small.failed == 1
    for mine, other in zip(statistics_of(small), statistics_of(roomy), strict=True):
        assert torch.allclose(mine, other, rtol=1e-5, atol=1e-6)
