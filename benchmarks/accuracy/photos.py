"""Tiles of three photographs that drift over time: images that ship inside scikit-learn and matplotlib.

The task: which third (top, middle, bottom) of which photograph does a tile of 16 x 16 pixels come from?
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_core.data.digits import Images, Labels, Split, TargetSplits

CLASSES = tuple(
    f"{photo}-{third}" for photo in ("china", "flower", "hopper") for third in ("top", "mid", "low")
)
TILE = 16
BASE, SOURCES, POOL = slice(0, 400), slice(400, 1400), slice(1400, 2100)
SOURCE_SIZE, TEST_SIZE = 250, 400


@cache
def load() -> tuple[Images, Labels]:
    """Cut the photographs into tiles, averaged to 8 x 8 x 3, in an order that is always the same."""
    tiles, labels = [], []
    for number, photo in enumerate(_photographs()):
        rows, columns = photo.shape[0] // TILE, photo.shape[1] // TILE
        cut = photo[: rows * TILE, : columns * TILE].reshape(rows, 8, 2, columns, 8, 2, 3).mean(axis=(2, 5))
        tiles.append(cut.transpose(0, 2, 1, 3, 4).reshape(-1, 8, 8, 3))
        labels.append(np.repeat(3 * number + np.arange(rows) * 3 // rows, columns))
    order = np.random.default_rng(0).permutation(sum(map(len, tiles)))
    images = np.rint(np.concatenate(tiles)[order]).astype(np.uint8)
    return images, np.concatenate(labels)[order].astype(np.int64)


def drifted(images: Images, *, tau: float, strength: float, seed: int) -> Images:
    """Let a camera age to time tau in [0, 1]: a warm cast, darkening, blur and noise.

    Red gains 0.2 and blue loses 0.25 of its value, gamma rises by 0.3, blur sd 0.2 pixels and noise sd 0.06
    (of the range from black to white), each times strength * tau.
    """
    from scipy import ndimage

    amount = strength * tau
    x = images.astype(np.float64) / 255
    x = x * (1 + amount * np.array([0.2, 0.0, -0.25]))
    x = x.clip(0, 1) ** (1 + 0.3 * amount)
    x = ndimage.gaussian_filter(x, sigma=(0, 0.2 * amount, 0.2 * amount, 0))
    x += np.random.default_rng(seed).normal(0, 0.06 * amount, x.shape)
    pixels: Images = np.rint(255 * x.clip(0, 1)).astype(np.uint8)
    return pixels


def _part(positions: NDArray[np.int64], *, tau: float, strength: float, seed: int) -> Split:
    images, labels = load()
    seen = drifted(images[positions], tau=tau, strength=strength, seed=seed)
    return Split(seen, labels[positions], tuple(f"photos-{position:04d}" for position in positions))


def base(*, strength: float, seed: int) -> Split:
    """Give the 400 tiles of the common ancestor, without drift."""
    return _part(np.arange(BASE.stop), tau=0.0, strength=strength, seed=seed)


def source(number: int, *, of: int, strength: float, seed: int) -> Split:
    """Give the 250 tiles of source number 1 to of, at time number / (of + 1)."""
    pool = np.arange(SOURCES.start, SOURCES.stop)
    positions = np.roll(pool, -((number - 1) * len(pool) // of))[:SOURCE_SIZE]
    return _part(positions, tau=number / (of + 1), strength=strength, seed=seed * 1000 + number)


def target(*, budget: int, strength: float, seed: int, gate: int = 0) -> TargetSplits:
    """Give the target's tiles at time 1: budget labels, a quarter of them (10 at least) for val, 400 test."""
    order = np.random.default_rng(seed).permutation(np.arange(POOL.start, POOL.stop))
    val = max(10, budget // 4)
    cuts = np.cumsum([TEST_SIZE, budget - val, val, gate])
    test, train, held, gated = (
        _part(part, tau=1.0, strength=strength, seed=seed * 1000 + 900 + number)
        for number, part in enumerate(np.split(order, cuts)[:4])
    )
    return TargetSplits(train=train, val=held, gate=gated, test=test)


def _photographs() -> list[NDArray[np.float64]]:
    """Read china.jpg, flower.jpg and grace_hopper.jpg: H x W x 3 in [0, 255]."""
    import matplotlib as mpl
    from PIL import Image
    from sklearn.datasets import load_sample_images

    hopper = Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    photos = [*load_sample_images().images, np.asarray(Image.open(hopper).convert("RGB"))]
    return [photo.astype(np.float64) for photo in photos]
