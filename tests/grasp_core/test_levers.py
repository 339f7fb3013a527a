"""Levers change how a model computes, never what it learns; all off, no bit moves."""

import copy
import platform
import resource
import threading

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from grasp_core.absorb import absorb
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data.ahead import ahead
from grasp_core.data.samples import Handing, Samples
from grasp_core.data.target import TargetData, gather, to_measure
from grasp_core.levers import OFF, Levers, measured, named
from grasp_core.models.architectures import build
from grasp_core.models.equip import equip, full_precision, kernels, levers_of
from grasp_core.models.evaluate import evaluate
from grasp_core.models.loss import logits_of
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.finetune import fine_tune


def network(seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return build("grasp/digits-cnn", in_channels=3, num_classes=4)


def images(count: int, *, seed: int, handing: Handing | None = None) -> Samples:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    pixels = rng.integers(0, 120, (count, 8, 8, 3))
    pixels[..., 0] += (labels * 30)[:, None, None]
    given = {"handing": handing} if handing else {}
    return Samples(pixels.astype(np.uint8), labels, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), **given)


def absorbed(levers: Levers, *, mode: str = "guarded", handing: Handing | None = None):
    data = TargetData(images(60, seed=1, handing=handing), images(20, seed=2, handing=handing))
    target = equip(network(1), levers)
    result = absorb(
        target,
        lambda: equip(network(2), levers),
        data,
        config=AbsorbConfig(mode=mode, lr=1e-2, batch_size=16),
        snapshots=MemorySnapshots(),
    )
    return target, result


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("mode", ["guarded", "reference"])
def test_no_bit_moves_with_levers_that_only_move_data(mode):
    plain, _ = absorbed(OFF, mode=mode)
    handed, _ = absorbed(Levers(on_device=True, ahead=2), mode=mode, handing=Handing(ahead=2))
    assert same(plain, handed)


@pytest.mark.parametrize("levers", [Levers(channels_last=True), Levers(bf16=True)])
def test_levers_of_arithmetic_learn_the_same_within_noise(levers):
    plain, off = absorbed(OFF)
    quick, on = absorbed(levers)
    assert on.after_fine_tune.loss == pytest.approx(off.after_fine_tune.loss, rel=0.1)
    for a, b in zip(plain.parameters(), quick.parameters(), strict=True):
        assert b.dtype == torch.float32
        assert (a - b).norm() <= 0.3 * a.norm() + 1e-2


def test_a_copy_of_a_model_has_its_levers_and_a_file_of_it_does_not():
    model = equip(network(), Levers(bf16=True))
    assert levers_of(copy.deepcopy(model)).bf16
    assert list(model.state_dict()) == list(network().state_dict())
    assert levers_of(network()) == OFF


def test_what_decides_for_others_is_measured_in_full_precision():
    model = equip(network(), Levers(bf16=True))
    batch = images(8, seed=3).batch(torch.arange(8))
    with full_precision(model):
        exact, _ = logits_of(model, batch)
    assert torch.equal(exact, logits_of(network(), batch)[0])
    assert not torch.equal(exact, logits_of(model, batch)[0])


def test_the_reference_mode_has_no_lever_that_changes_bits():
    every = Levers(channels_last=True, bf16=True, compile_from=0, benchmark=True, ahead=2)
    assert every.exact == Levers(ahead=2)


def test_small_images_and_unmeasured_devices_compute_as_published():
    assert measured(torch.device("cuda"), side=8) == OFF
    assert measured(torch.device("mps"), side=224) == OFF
    assert measured(torch.device("cpu"), side=8) == OFF


def test_a_gpu_gets_every_lever_at_real_sizes():
    levers = measured(torch.device("cuda"), side=224)
    assert levers.bf16
    assert levers.channels_last
    assert levers.ahead > 0


def test_levers_are_read_back_from_their_name():
    levers = Levers(channels_last=True, bf16=True, deterministic=True)
    assert named(levers.name) == levers
    assert named("") == OFF


def test_items_made_in_advance_come_in_their_order_from_one_thread():
    threads = set()

    def make():
        for number in range(20):
            threads.add(threading.get_ident())
            yield number

    assert list(ahead(make(), depth=3)) == list(range(20))
    assert threads != {threading.get_ident()}
    assert len(threads) == 1


def test_an_error_in_advance_is_raised_in_its_turn():
    def make():
        yield 1
        raise OSError("the disk is gone")

    items = ahead(make(), depth=4)
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)


def test_a_loop_that_stops_early_leaves_no_thread():
    before = threading.active_count()
    items = ahead(iter(range(100)), depth=2)
    assert next(items) == 0
    items.close()
    assert threading.active_count() == before


def test_batches_without_gradients_may_be_larger_than_those_of_training():
    data = images(64, seed=1, handing=Handing(evaluation_batch=32))
    assert [len(labels) for _, labels in to_measure(data, 8)] == [32, 32]
    assert [len(labels) for _, labels in to_measure(data, 64)] == [64]
    assert len(list(data.batches(8))) == 8


def test_parts_of_samples_are_handed_over_as_the_whole():
    handing = Handing(ahead=1)
    whole = TargetData(images(10, seed=1, handing=handing), images(4, seed=2, handing=handing))
    assert whole.train.subset(torch.arange(3)).handing == handing
    assert gather(whole).handing == handing


def test_larger_batches_measure_the_same():
    model, small, large = (
        network(),
        images(50, seed=4),
        images(50, seed=4, handing=Handing(evaluation_batch=50)),
    )
    one, other = evaluate(model, to_measure(small, 8)), evaluate(model, to_measure(large, 8))
    assert one.confusion == other.confusion
    assert one.loss == pytest.approx(other.loss, rel=1e-6)


def test_deterministic_kernels_are_asked_for_and_given_back():
    with kernels(Levers(deterministic=True)):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.deterministic
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory as it likes")
def test_freed_memory_is_kept_for_the_next_step_and_given_back_at_the_end():
    mine = psutil.Process()
    step_bytes = 2**28

    def pages_of_four_steps() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(4):
            torch.ones(step_bytes // 4)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    pages_of_four_steps()
    by_itself, resident_bytes = pages_of_four_steps(), mine.memory_info().rss
    with kernels(Levers(keep_memory=True)):
        pages_of_four_steps()
        assert pages_of_four_steps() < by_itself / 10
        assert mine.memory_info().rss > resident_bytes + step_bytes / 2
    assert mine.memory_info().rss < resident_bytes + step_bytes / 4


def test_a_compiled_training_learns_what_the_plain_one_does(monkeypatch):
    asked = []

    def compile_(model, **_):
        asked.append(model)
        return nn.Sequential(model)

    monkeypatch.setattr(torch, "compile", compile_)
    plain, fast = network(), equip(network(), Levers(compile_from=100))
    config = FineTuneConfig(lr=1e-2, batch_size=16)
    for model in (plain, fast):
        fine_tune(model, images(40, seed=1), images(10, seed=2), config=config, snapshots=MemorySnapshots())
    assert asked == [fast]
    assert same(plain, fast)


def test_a_training_that_is_too_short_is_not_compiled(monkeypatch):
    monkeypatch.setattr(torch, "compile", None)  # calling it would fail
    model = equip(network(), Levers(compile_from=1000))
    config = FineTuneConfig(lr=1e-2, batch_size=16)
    fine_tune(model, images(40, seed=1), images(10, seed=2), config=config, snapshots=MemorySnapshots())
