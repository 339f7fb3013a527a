"""The page about speed, from the ledgers alone."""

import json
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from benchmarks.speed.record import Timing
from tasks.studies.tables import markdown

GPU = Path(__file__).parent / "gpu.json"
MEMORY = Path(__file__).parent.parent / "memory" / "photographs.json"
OF_MEMORY = (
    "Peaks of a whole absorb at 224 pixels, and what they are of a plain fine-tune's "
    "(`python -m benchmarks.memory.photographs`).\n\n"
)
HEAD = """# Performance

Written by `make bench-speed` from its ledgers. Photographs are made up (JPEG, 500 x 375), images are
224 x 224. Each run is a process of its own; variants take turns. The published recipe is written from its
description: decode, resize, crop, jitter per image and epoch, float32, batches of 32, a wait per batch.
Variants are named by their levers (off; auto: what a worker takes by itself; bf16 on top of that) and by
what they do: a fine-tune with augmentation in batches, a plain one, or a guarded absorb. Run n of each starts
from the untrained network of seed n. Figures are medians (least to greatest); of what is right: mean and
standard deviation.

"""
NO_GPU = (
    "Not measured: no ledger of a GPU is there (`python -m benchmarks.speed.gpu --out DIR` writes one).\n"
)
COLUMNS = [
    "what",
    "variant",
    "runs",
    "CPU s",
    "wall s",
    "CPU s of published / own",
    "peak MB",
    "right of val, %",
    "load",
]


def report(found: list[Timing], *, gpu: Path = GPU, memory: Path = MEMORY) -> str:
    """Write the page."""
    on_gpu = _on_gpu(json.loads(gpu.read_text())) if gpu.exists() else NO_GPU
    of_memory = _of_memory(json.loads(memory.read_text())) if memory.exists() else "Not measured yet.\n"
    parts = {"On a CPU": _on_cpu(found), "On a GPU": on_gpu, "Memory": of_memory}
    return HEAD + "\n".join(f"## {title}\n\n{text}" for title, text in parts.items())


def _on_cpu(found: list[Timing]) -> str:
    if not found:
        return "Not measured yet.\n"
    rows = []
    groups = dict.fromkeys((t.network, t.images, t.epochs, t.threads) for t in found)
    for group in groups:
        here = [t for t in found if (t.network, t.images, t.epochs, t.threads) == group]
        base = [t for t in here if t.variant == "published"]
        for variant in dict.fromkeys(t.variant for t in here):
            own = [t for t in here if t.variant == variant]
            rows.append(
                [
                    f"{group[0]}, {group[1]} images, {group[2]} epochs, {group[3]} threads",
                    variant,
                    str(len(own)),
                    _spread([t.cpu_s for t in own]),
                    _spread([t.wall_s for t in own]),
                    _ratio(base, own),
                    f"{max(t.peak_rss_bytes for t in own) / 1e6:.0f}",
                    _mean_and_sd([100 * t.accuracy for t in own]),
                    f"{min(t.load for t in own):.0f} to {max(t.load for t in own):.0f}",
                ]
            )
    return markdown(COLUMNS, rows) + "\n"


def _on_gpu(given: dict[str, Any]) -> str:
    lines = [f"{given['card']}, torch {given['torch']}, ResNet-50 at 224.\n"]
    for name in ("eager 128", "compiled 128", "eager 32", "compiled 32"):
        part = given.get(name)
        if isinstance(part, dict):
            plain = max((median(rates), kind) for kind, rates in part["plain_images_per_s"].items())
            how = "compiled" if part["compiled"] else "eager"
            lines.append(
                f"- Batches of {part['batch']}, {how}, bf16, channels_last: "
                f"{_spread(part['ours_images_per_s'], digits=0)} images/s; the plain loop ({plain[1]}) "
                f"{_spread(part['plain_images_per_s'][plain[1]], digits=0)}: {part['ratio']:.2f} of it."
            )
        else:
            lines.append(f"- {name}: not measured.")
    if isinstance(part := given.get("published"), dict):
        base = median(part["seconds"]["published"])
        rows = [
            [name, str(len(s)), _spread(s, digits=2), f"{base / median(s):.1f}"]
            for name, s in part["seconds"].items()
        ]
        lines.append(f"\nA fine-tune on {part['images']} photographs for {part['epochs']} epochs:\n")
        lines.append(markdown(["variant", "runs", "s", "published / own"], rows))
    return "\n".join(lines) + "\n"


def _of_memory(given: dict[str, dict[str, float]]) -> str:
    """Set each peak beside that of the plain fine-tune of the same network and batch."""
    rows = []
    for what, peaks in given.items():
        name, kind, sources, batch = what.split()
        plain = given.get(f"{name} plain {sources} {batch}")
        if kind == "plain" or plain is None:
            continue
        ratios = [f"{peaks[key] / plain[key]:.2f}" for key in ("live", "resident")]
        disk = f"{peaks['disk'] / peaks['parameters']:.1f}"
        peak = f"{peaks['live'] / 1e6:.0f}"
        rows.append([name, kind, sources.removeprefix("K="), batch.removeprefix("B="), peak, *ratios, disk])
    columns = ["network", "mode", "sources", "batch", "peak of live tensors, MB", "live / plain"]
    columns += ["resident / plain", "disk, in sizes of the network"]
    return OF_MEMORY + markdown(columns, rows) + "\n"


def _spread(values: list[float], *, digits: int = 1) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _mean_and_sd(values: list[float]) -> str:
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def _ratio(base: list[Timing], own: list[Timing]) -> str:
    if not base:
        return "-"
    return f"{median(t.cpu_s for t in base) / median(t.cpu_s for t in own):.2f}"
