"""What only a GPU can tell, in one process: `python -m benchmarks.speed.gpu --out DIR`, some minutes.

Needs torch, torchvision, timm, numpy and scikit-learn, and of this project grasp_core alone.
"""

import argparse
import copy
import json
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed.pictures import cached, network, noise, write_pictures
from benchmarks.speed.published import fine_tune_as_published
from benchmarks.speed.throughput import AUTO, CUDA, RESNET, disk, handing, throughput
from grasp_core.absorb import absorb
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data.target import TargetData
from grasp_core.levers import OFF, Levers
from grasp_core.models.equip import equip, kernels
from grasp_core.training.finetune import fine_tune

PAPER = ("timm/mobilevit_xxs", "timm/mobilevit_xs", "torchvision/efficientnet_b1", "torchvision/resnet50")


def against_published(directory: Path, *, runs: int = 5, count: int = 320, epochs: int = 2) -> dict[str, Any]:
    """Fine-tune on the same photographs for as many epochs: as published, and with levers, in turns."""
    train = write_pictures(directory / "train", count, seed=1)
    val = write_pictures(directory / "val", 64, seed=2)
    at = time.perf_counter()
    ours_train, ours_val = (
        cached(train, augmented=True, handing=handing(AUTO)),
        cached(val, handing=handing(AUTO)),
    )
    decode_s = time.perf_counter() - at
    start = network(RESNET).to(CUDA)
    lr = 1e-4
    seconds: dict[str, list[float]] = {}
    accuracy: dict[str, list[float]] = {}

    def published(workers: int) -> float:
        model = copy.deepcopy(start)
        best = fine_tune_as_published(model, train, val, epochs=epochs, lr=lr, device=CUDA, workers=workers)
        torch.cuda.synchronize()
        return best

    def ours(levers: Levers, augmented: bool) -> float:
        model = equip(copy.deepcopy(start), levers)
        seen = replace_augment(ours_train, augmented)
        config = FineTuneConfig(epochs=epochs, lr=lr)
        with disk() as snapshots, kernels(levers):
            told = fine_tune(model, seen, ours_val, config=config, snapshots=snapshots)
        torch.cuda.synchronize()
        return max(epoch.val_accuracy for epoch in told.epochs)

    variants: dict[str, Callable[[], float]] = {
        "published": lambda: published(0),
        "published, 16 loaders": lambda: published(16),
        "levers": lambda: ours(AUTO, True),
        "levers, no augmentation": lambda: ours(AUTO, False),
        "levers off": lambda: ours(OFF, True),
    }
    for number in range(runs + 1):
        for name, run in variants.items():
            if name.startswith("published, 16") and number > 3:
                continue
            at = time.perf_counter()
            hit = run()
            if number:  # the first of each warms up
                seconds.setdefault(name, []).append(time.perf_counter() - at)
                accuracy.setdefault(name, []).append(hit)
    return {"seconds": seconds, "accuracy": accuracy, "decode_s": decode_s, "images": count, "epochs": epochs}


def replace_augment(given: Any, augmented: bool) -> Any:
    """Give the same samples with or without augmentation."""
    other = copy.copy(given)
    other.augment = given.augment if augmented else None
    return other


def end_to_end(name: str, *, labels: int = 600, epochs: int = 3) -> dict[str, Any]:
    """Absorb one source in both modes beside the plain fine-tune: seconds and peaks."""
    data = TargetData(
        noise(labels * 3 // 4, seed=5, handing=handing(AUTO)),
        noise(labels // 4, seed=6, handing=handing(AUTO)),
    )
    stem, source = network(name, seed=1).to(CUDA), network(name, seed=2).to(CUDA)
    found: dict[str, Any] = {"network": name, "labels": labels}

    def plain(levers: Levers) -> object:
        model = equip(copy.deepcopy(stem), levers)
        config = FineTuneConfig(epochs=epochs, lr=1e-4, selection="loss")
        with disk() as snapshots, kernels(levers):
            return fine_tune(model, data.train, data.val, config=config, snapshots=snapshots)

    def absorbed(levers: Levers, mode: str) -> object:
        config = AbsorbConfig(mode=mode, epochs=epochs, lr=1e-4)  # type: ignore[arg-type]
        model = equip(copy.deepcopy(stem), levers)
        with disk() as snapshots, kernels(levers):
            return absorb(
                model, lambda: equip(copy.deepcopy(source), levers), data, config=config, snapshots=snapshots
            )

    works: dict[str, Callable[[], object]] = {
        "plain": lambda: plain(AUTO),
        "guarded": lambda: absorbed(AUTO, "guarded"),
        "plain, levers off": lambda: plain(OFF),
        "reference": lambda: absorbed(AUTO.exact, "reference"),
    }
    base = torch.cuda.memory_allocated()
    for _ in range(4):
        for key, work in works.items():
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            at = time.perf_counter()
            work()
            torch.cuda.synchronize()
            found.setdefault(f"{key}_s", []).append(time.perf_counter() - at)
            found[f"{key}_peak"] = torch.cuda.max_memory_allocated() - base
    return found


def many_sources(counts: tuple[int, ...] = (2, 24)) -> dict[str, int]:
    """Give the peak of so many absorbs in a row."""
    data = TargetData(noise(64, seed=7, handing=handing(AUTO)), noise(32, seed=8, handing=handing(AUTO)))
    config, peaks = AbsorbConfig(epochs=1, lr=1e-4), {}
    for count in counts:
        model = equip(network(RESNET).to(CUDA), AUTO)
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        with disk() as snapshots:
            for number in range(count):
                absorb(
                    model,
                    lambda number=number: equip(network(RESNET, seed=number).to(CUDA), AUTO),  # type: ignore[misc]
                    data,
                    config=config,
                    snapshots=snapshots,
                )
                snapshots.load_into("stem", model)
        peaks[str(count)] = torch.cuda.max_memory_allocated()
        del model
    return peaks


def main() -> None:
    """Measure one part after the other; what fails is named, the others go on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="*", default=[])
    given = parser.parse_args()
    card = torch.cuda.get_device_name()
    print(card, torch.__version__, flush=True)
    results: dict[str, Any] = {"card": card, "torch": torch.__version__}
    with tempfile.TemporaryDirectory() as scratch:
        parts: dict[str, Callable[[], Any]] = {
            "eager 128": lambda: throughput(128, compiles=False),
            "published": lambda: against_published(Path(scratch)),
            "end to end": lambda: [end_to_end(name) for name in PAPER],
            "compiled 128": lambda: throughput(128, compiles=True),
            "many sources": many_sources,
            "eager 32": lambda: throughput(32, compiles=False, images=2048),
            "compiled 32": lambda: throughput(32, compiles=True, images=2048),
        }
        for name, part in parts.items():
            if given.parts and name not in given.parts:
                continue
            at = time.perf_counter()
            try:
                results[name] = part()
            except Exception as error:
                results[name] = f"{type(error).__name__}: {error}"
                traceback.print_exc()
            torch.cuda.empty_cache()
            print(f"{name}: {time.perf_counter() - at:.0f} s: {json.dumps(results[name])[:900]}", flush=True)
            (given.out / "gpu.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
