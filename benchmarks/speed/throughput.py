"""Images per second on a GPU: our fine-tune and the best plain loop, in turns on one card."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.nn import functional

from benchmarks.speed.pictures import CLASSES, SIDE, network, noise
from grasp_core.config import FineTuneConfig
from grasp_core.data.samples import Handing
from grasp_core.levers import Levers, measured
from grasp_core.models.equip import equip, kernels
from grasp_core.models.snapshots import DiskSnapshots
from grasp_core.progress import Epoch, Silent
from grasp_core.training.finetune import fine_tune

RESNET = "torchvision/resnet50"
CUDA = torch.device("cuda")
AUTO = measured(CUDA, side=SIDE)


def handing(levers: Levers) -> Handing:
    """Hand batches over as the pipeline does."""
    return Handing(
        device=CUDA if levers.on_device else torch.device("cpu"),
        ahead=levers.ahead,
        evaluation_batch=levers.evaluation_batch,
    )


class Timed(Silent):
    """Notes the time of every epoch, and lets something else run between two."""

    def __init__(self, between: Callable[[], object] = lambda: None) -> None:
        self.seconds: list[float] = []
        self._between = between
        self.begin()

    def begin(self) -> None:
        """Start the clock."""
        torch.cuda.synchronize()
        self._at = time.perf_counter()

    def epoch(self, epoch: Epoch) -> None:
        """Note an epoch; the clock stands while something else runs."""
        torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self._at)
        self._between()
        self.begin()


@contextmanager
def disk() -> Iterator[DiskSnapshots]:
    """Give snapshots in a directory of their own."""
    with tempfile.TemporaryDirectory() as directory:
        yield DiskSnapshots(Path(directory))


class Plain:
    """The best plain loop: bf16, channels_last, compiled, images already on the card."""

    def __init__(self, batch_size: int, *, compiled: bool, mode: str | None = None) -> None:
        self.model = network(RESNET).to(CUDA).to(memory_format=torch.channels_last)
        self.fast: Any = torch.compile(self.model, mode=mode, dynamic=False) if compiled else self.model
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, fused=True)
        images = torch.randn(batch_size, 3, SIDE, SIDE, device=CUDA)
        self.images = images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(0, CLASSES, (batch_size,), device=CUDA)
        self.rates: list[float] = []

    def run(self, steps: int = 16) -> None:
        """Take some steps, note images per second."""
        torch.cuda.synchronize()
        at = time.perf_counter()
        for _ in range(steps):
            with torch.autocast("cuda", torch.bfloat16):
                logits = self.fast(self.images)
            loss = functional.cross_entropy(logits.float(), self.labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        self.rates.append(steps * len(self.labels) / (time.perf_counter() - at))


def throughput(batch_size: int, *, compiles: bool, images: int = 4096, epochs: int = 8) -> dict[str, Any]:
    """Time our fine-tune and the plain loop in turns, on the same card."""
    levers = replace(AUTO, compile_from=0 if compiles else None)
    rivals = {"default": Plain(batch_size, compiled=compiles)}
    if compiles:
        rivals["reduce-overhead"] = Plain(batch_size, compiled=True, mode="reduce-overhead")
    begun = time.perf_counter()
    for rival in rivals.values():
        rival.run(4)
    warm_s = time.perf_counter() - begun
    for rival in rivals.values():
        rival.rates.clear()

    def between() -> None:
        for rival in rivals.values():
            rival.run()

    train, val = (noise(n, seed=n, handing=handing(levers)) for n in (images, 64))
    model = equip(network(RESNET).to(CUDA), levers)
    told = Timed(between)
    config = FineTuneConfig(epochs=epochs, batch_size=batch_size, lr=1e-4)
    with disk() as snapshots, kernels(levers):
        fine_tune(model, train, val, config=config, snapshots=snapshots, progress=told)
    ours = [images / s for s in told.seconds[1:]]
    plain = {name: rival.rates[1:] for name, rival in rivals.items()}
    best = max(median(rates) for rates in plain.values())
    return {
        "batch": batch_size,
        "compiled": compiles,
        "ours_images_per_s": ours,
        "plain_images_per_s": plain,
        "ratio": median(ours) / best,
        "first_epoch_s": told.seconds[0],
        "epoch_s": median(told.seconds[1:]),
        "plain_warm_s": warm_s,
    }
