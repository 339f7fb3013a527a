import copy
import os
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from grasp_core.absorb import absorb
from grasp_core.alignment import align
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data.samples import Handing, Samples
from grasp_core.data.target import TargetData, shuffled
from grasp_core.levers import Levers, measured
from grasp_core.models.architectures import build
from grasp_core.models.equip import equip, kernels
from grasp_core.models.snapshots import DiskSnapshots, MemorySnapshots
from grasp_core.training.finetune import fine_tune
from grasp_core.training.step import TrainingStep

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
CUDA = torch.device("cuda")
EVERY = measured(CUDA, side=224)


def photographs(count, *, seed, levers=EVERY, side=64):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    pixels = rng.integers(0, 120, (count, side, side, 3))
    pixels[..., 0] += (labels * 13)[:, None, None]
    handing = Handing(device=CUDA, ahead=levers.ahead, evaluation_batch=levers.evaluation_batch)
    return Samples(pixels.astype(np.uint8), labels, mean=(0.5,) * 3, std=(0.5,) * 3, handing=handing)


def resnet(seed, levers=EVERY):
    torch.manual_seed(seed)
    return equip(build("timm/resnet18", in_channels=3, num_classes=10).cuda(), levers)


def network(seed):
    torch.manual_seed(seed)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


@pytest.mark.parametrize("count", [1, 2])
def test_scores_on_cuda_are_those_of_the_cpu(target_data, count):
    batches = list(target_data.train)[:count]
    expected = align(network(1).double(), network(2).double(), batches)
    scores = align(network(1).double().cuda(), network(2).double().cuda(), batches)
    assert scores == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("mode", ["guarded", "reference"])
def test_an_absorb_on_cuda_leaves_the_target_there(target_data, tmp_path, mode):
    target, source = network(1).cuda(), network(2).cuda()
    absorbed = absorb(
        target,
        lambda: copy.deepcopy(source),
        target_data,
        config=AbsorbConfig(mode=mode, lr=1e-2),
        snapshots=DiskSnapshots(tmp_path),
    )
    assert absorbed.after_transfer.samples == 15
    assert all(p.is_cuda for p in target.parameters())


def absorbed(levers, mode="guarded"):
    target = resnet(1, levers)
    with kernels(levers):
        result = absorb(
            target,
            lambda: resnet(2, levers),
            TargetData(photographs(96, seed=1, levers=levers), photographs(32, seed=2, levers=levers)),
            config=AbsorbConfig(mode=mode, lr=1e-3),
            snapshots=MemorySnapshots(),
        )
    return target, result


def test_an_absorb_with_every_lever_learns_what_one_without_does():
    _, off = absorbed(Levers())
    quick, on = absorbed(EVERY)
    assert all(p.dtype == torch.float32 and p.is_cuda for p in quick.parameters())
    assert on.after_fine_tune.loss == pytest.approx(off.after_fine_tune.loss, rel=0.15)


def test_deterministic_kernels_give_the_same_bits_twice():
    levers = Levers(deterministic=True, ahead=2)
    (one, _), (other, _) = absorbed(levers), absorbed(levers)
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@contextmanager
def no_wait():
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_nothing_in_the_training_loop_waits_for_the_device():
    model, data = resnet(1), photographs(128, seed=1)
    model.train()
    step = TrainingStep(model, torch.optim.AdamW(model.parameters(), fused=True))
    step(data.batch(torch.arange(32)))
    with no_wait():
        for batch in shuffled(data, 32, torch.Generator().manual_seed(0)):
            step(batch)


def test_a_batch_that_does_not_fit_goes_on_in_pieces_on_the_card(tmp_path):
    data, config = photographs(256, seed=1, side=128), FineTuneConfig(epochs=1, batch_size=256)

    def train():
        model = resnet(1)
        return fine_tune(
            model, data, photographs(8, seed=2), config=config, snapshots=DiskSnapshots(tmp_path)
        )

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    plain = train()
    peak = torch.cuda.max_memory_reserved()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.6 * peak / torch.cuda.mem_get_info()[1])
    try:
        cut = train()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert (plain.pieces, cut.pieces > 1) == (1, True)
    assert cut.epochs[0].train_loss == pytest.approx(plain.epochs[0].train_loss, rel=0.1)


def test_a_compiled_training_under_hooks_learns_what_the_plain_one_does():
    """Left-out classes and held statistics are hooks: they have to count in compiled code, too."""
    from grasp_core.models.batchnorm import held_still
    from grasp_core.models.classes import only_among

    ends = {}
    for name, levers in (("plain", Levers()), ("compiled", Levers(compile_from=0))):
        model, data = resnet(1, levers), photographs(96, seed=1, levers=levers)
        kept = [s.clone() for s in model.buffers()]
        classes = torch.bincount(data.labels, minlength=10).nonzero().flatten()[:9]
        known = data.subset(torch.isin(data.labels, classes).nonzero().flatten())
        config = FineTuneConfig(lr=1e-3)
        with only_among(model, classes), held_still(model):
            told = fine_tune(model, known, known, config=config, snapshots=MemorySnapshots())
        ends[name] = told.epochs[-1].train_loss
        assert all(torch.equal(a, b) for a, b in zip(kept, model.buffers(), strict=True))
    assert ends["compiled"] == pytest.approx(ends["plain"], rel=0.02)
