"""Measure what guarded mode costs beside the fine-tune in it: `python -m benchmarks.deciding`."""

import argparse
import copy
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn

from grasp_core.absorb import absorb
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.models.architectures import build
from grasp_core.models.snapshots import DiskSnapshots
from grasp_core.training.finetune import fine_tune
from tasks.studies import ledger
from tasks.studies.tables import markdown

PAPER = ("timm/mobilevit_xxs", "timm/mobilevit_xs", "torchvision/efficientnet_b1", "torchvision/resnet50")
RESULTS = Path(__file__).parent / "results.jsonl"
DOCS = Path("docs/benchmark/deciding.md")
CLASSES, EPOCHS, LR, VAL = 10, 3, 1e-3, 4  # one of so many labels validates

HEAD = """# What deciding costs

Written by `make bench-deciding`: CPU seconds of one absorb in guarded mode over those of the bare fine-tune,
the same {epochs} epochs, batches of 32, images in colour; both in turns, medians of {runs} runs, one thread.

"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """CPU seconds of one fine-tune and of one absorb on the same labels."""

    network: str
    labels: int
    size: int
    choice: str
    fine_tune_s: float
    absorb_s: float


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deciding", description=__doc__)
    parser.add_argument("--networks", nargs="+", default=PAPER)
    parser.add_argument("--labels", nargs="+", type=int, default=(600, 2000))
    parser.add_argument("--size", type=int, default=96, help="side of the images in pixels")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for network in given.networks:
        for labels in given.labels:
            for cost in costs(network, labels, given.size, runs=given.runs):
                ledger.append(given.results, cost)
                print(asdict(cost), file=sys.stderr)
    text = report(list(ledger.records(given.results, Cost)))
    print(text)
    if given.results == RESULTS:
        DOCS.write_text(text)


def costs(network: str, labels: int, size: int, *, runs: int) -> list[Cost]:
    """Measure both on the same labels, one after the other, so many times."""
    data = TargetData(images(labels - labels // VAL, size, seed=0), images(labels // VAL, size, seed=1))
    stem, source = _trained(network, size, seed=2), _trained(network, size, seed=3)
    found = []
    for _ in range(runs):
        bare = _cpu_s(lambda snapshots: _bare(copy.deepcopy(stem), data, snapshots))
        choices: list[str] = []
        took = _cpu_s(partial(_absorbed, stem, source, data, choices))
        found.append(
            Cost(
                network=network,
                labels=labels,
                size=size,
                choice=choices[0],
                fine_tune_s=round(bare, 2),
                absorb_s=round(took, 2),
            )
        )
    return found


def _absorbed(
    stem: nn.Module, source: nn.Module, data: TargetData, choices: list[str], snapshots: DiskSnapshots
) -> None:
    config = AbsorbConfig(epochs=EPOCHS, lr=LR)
    model, load = copy.deepcopy(stem), partial(copy.deepcopy, source)
    choices.append(absorb(model, load, data, config=config, snapshots=snapshots).choice)


def _bare(model: nn.Module, data: TargetData, snapshots: DiskSnapshots) -> None:
    config = FineTuneConfig(epochs=EPOCHS, lr=LR, selection="loss")
    fine_tune(model, data.train, data.val, config=config, snapshots=snapshots)


def _cpu_s(work: Callable[[DiskSnapshots], object]) -> float:
    with tempfile.TemporaryDirectory() as directory:
        begun = time.process_time()
        work(DiskSnapshots(Path(directory)))
        return time.process_time() - begun


def images(count: int, size: int, *, seed: int) -> Samples:
    """Make noise whose red says the class, learned within some steps."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    pixels = rng.integers(0, 120, (count, size, size, 3))
    pixels[..., 0] += (labels * 13)[:, None, None]
    return Samples(pixels.astype(np.uint8), labels, mean=(0.5,) * 3, std=(0.5,) * 3)


def _trained(network: str, size: int, *, seed: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(network, in_channels=3, num_classes=CLASSES)
    few = TargetData(images(64, size, seed=10 + seed), images(16, size, seed=20 + seed))
    _cpu_s(lambda snapshots: _bare(model, few, snapshots))
    return model


def report(found: list[Cost]) -> str:
    """Write the page: one row per network and number of labels."""
    rows = []
    groups = dict.fromkeys((cost.network, cost.labels, cost.size) for cost in found)
    for group in groups:
        here = [cost for cost in found if (cost.network, cost.labels, cost.size) == group]
        ratios = [cost.absorb_s / cost.fine_tune_s for cost in here]
        rows.append(
            [
                f"{group[0]}, {group[1]} labels, {group[2]} px",
                str(len(here)),
                f"{median(cost.fine_tune_s for cost in here):.1f}",
                f"{median(cost.absorb_s for cost in here):.1f}",
                f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                ", ".join(sorted({cost.choice for cost in here})),
            ]
        )
    table = markdown(["network", "runs", "fine-tune, s", "absorb, s", "ratio (range)", "choice"], rows)
    return HEAD.format(epochs=EPOCHS, runs=max((len(found)) // max(1, len(groups)), 1)) + table + "\n"


if __name__ == "__main__":
    main()
