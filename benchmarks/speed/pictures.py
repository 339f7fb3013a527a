"""Photographs made up for timing: JPEG files whose colours tell the class, and their cache."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from grasp_core.data.augment import photographs_at_once
from grasp_core.data.decoding import decode
from grasp_core.data.samples import Handing, Samples

CLASSES, SIDE = 10, 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Files and labels, in order."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]


def write_pictures(folder: Path, count: int, *, seed: int) -> Pictures:
    """Write so many JPEG files of 500 x 375 pixels; those that are there are left."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    labels = tuple(int(label) for label in rng.integers(0, CLASSES, count))
    files = []
    for number, label in enumerate(labels):
        path = folder / f"{number:05d}.jpg"
        coarse = rng.integers(0, 256, (9, 12, 3)).astype(np.float64)
        coarse[..., 0] = 0.5 * coarse[..., 0] + 0.5 * 255 * (label % 4) / 3
        coarse[..., 1] = 0.5 * coarse[..., 1] + 0.5 * 255 * (label // 4) / 2
        grain = rng.integers(-12, 13, (375, 500, 1))
        if not path.exists():
            large = Image.fromarray(coarse.astype(np.uint8)).resize((500, 375), Image.Resampling.BICUBIC)
            pixels = np.clip(np.asarray(large).astype(int) + grain, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path, quality=90)
        files.append(path)
    return Pictures(tuple(files), labels)


def cached(pictures: Pictures, *, handing: Handing | None = None, augmented: bool = False) -> Samples:
    """Decode once, as a data set of the pipeline holds them."""
    images = np.stack([decode(path, height=SIDE, width=SIDE, channels=3) for path in pictures.files])
    return samples(images, np.array(pictures.labels), handing=handing, augmented=augmented)


def samples(
    images: np.ndarray, labels: np.ndarray, *, handing: Handing | None = None, augmented: bool = False
) -> Samples:
    """Give decoded images as the pipeline trains on them."""
    return Samples(
        images,
        labels,
        mean=MEAN,
        std=STD,
        augment=photographs_at_once(height=SIDE, width=SIDE) if augmented else None,
        handing=handing or Handing(),
    )


def noise(count: int, *, side: int = SIDE, seed: int = 0, handing: Handing | None = None) -> Samples:
    """Give images of noise whose red tells the class, already decoded."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    pixels = rng.integers(0, 120, (count, side, side, 3), dtype=np.uint8)
    pixels[..., 0] += (labels * 13).astype(np.uint8)[:, None, None]
    return samples(pixels, labels, handing=handing)


def network(name: str, *, seed: int = 0) -> torch.nn.Module:
    """Build an untrained network from a seed."""
    from grasp_core.models.architectures import build

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(name, in_channels=3, num_classes=CLASSES)
