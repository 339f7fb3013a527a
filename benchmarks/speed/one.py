"""One variant in this process: `python -m benchmarks.speed.one VARIANT …` prints its record as JSON."""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from benchmarks.speed.pictures import SIDE, Pictures, cached, network, write_pictures
from benchmarks.speed.published import fine_tune_as_published
from benchmarks.speed.record import Timing
from grasp_core.absorb import absorb
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data.samples import Handing
from grasp_core.data.target import TargetData
from grasp_core.levers import OFF, measured
from grasp_core.models.equip import equip, kernels
from grasp_core.models.snapshots import DiskSnapshots
from grasp_core.training.finetune import fine_tune

CPU = torch.device("cpu")
LR = 1e-3
AUTO = measured(CPU, side=SIDE)
LEVERS = {"off": OFF, "auto": AUTO, "bf16": replace(AUTO, bf16=True)}
VARIANTS = (
    "published",
    *(f"{levers} {kind}" for levers in LEVERS for kind in ("augmented", "plain")),
    "off absorb",
    "auto absorb",
)


def work_of(
    variant: str, name: str, train: Pictures, val: Pictures, *, epochs: int, seed: int, directory: Path
) -> Callable[[], float]:
    """Prepare a variant; what it gives does the work and gives the accuracy on val."""
    model = network(name, seed=seed)
    if variant == "published":
        return lambda: fine_tune_as_published(model, train, val, epochs=epochs, lr=LR, device=CPU, seed=seed)
    levers, kind = LEVERS[variant.split()[0]], variant.split()[1]
    handing = Handing(ahead=levers.ahead, evaluation_batch=levers.evaluation_batch)
    data = TargetData(
        cached(train, handing=handing, augmented=kind == "augmented"), cached(val, handing=handing)
    )
    equip(model, levers)
    snapshots = DiskSnapshots(directory)

    def tuned() -> float:
        config = FineTuneConfig(epochs=epochs, lr=LR, seed=seed)
        told = fine_tune(model, data.train, data.val, config=config, snapshots=snapshots)
        return max(epoch.val_accuracy for epoch in told.epochs)

    def absorbed() -> float:
        told = absorb(
            model,
            lambda: equip(network(name, seed=seed + 1000), levers),
            data,
            config=AbsorbConfig(epochs=epochs, lr=LR, seed=seed),
            snapshots=snapshots,
        )
        return (told.after_fine_tune or told.after_transfer).accuracy

    return absorbed if kind == "absorb" else tuned


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.one", description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--network", required=True)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=Path, required=True, help="where the JPEG files lie")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    train = write_pictures(given.pictures / "train", given.images, seed=1)
    val = write_pictures(given.pictures / "val", max(8, given.images // 4), seed=2)
    with tempfile.TemporaryDirectory() as directory:
        work = work_of(
            given.variant,
            given.network,
            train,
            val,
            epochs=given.epochs,
            seed=given.seed,
            directory=Path(directory),
        )
        wall, cpu = time.perf_counter(), time.process_time()
        with kernels(LEVERS.get(given.variant.split()[0], OFF)):
            accuracy = work()
        wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    timing = Timing(
        variant=given.variant,
        network=given.network,
        images=given.images,
        epochs=given.epochs,
        threads=given.threads,
        wall_s=round(wall_s, 3),
        cpu_s=round(cpu_s, 3),
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        accuracy=accuracy,
        seed=given.seed,
        load=round(os.getloadavg()[0], 1),
    )
    print(json.dumps(asdict(timing)))


if __name__ == "__main__":
    main()
