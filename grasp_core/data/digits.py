"""Handwritten digits that drift over time: 1,797 real images that ship inside scikit-learn."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from grasp_core.data.samples import Samples
from grasp_core.errors import InvalidConfig

CLASSES = tuple("0123456789")
MEAN, STD = (0.5,), (0.5,)
BASE = slice(0, 300)
SOURCES = slice(300, 1200)
SOURCE_SIZE = 225
POOL = slice(1200, 1797)  # the target's
TEST_SIZE = 347

Images = NDArray[np.uint8]  # N x 8 x 8 x 1
Labels = NDArray[np.int64]  # N


@dataclass(frozen=True, slots=True)
class Split:
    """Images, labels, and the ids ("digits-0042") that say which of the 1,797 they are."""

    images: Images
    labels: Labels
    ids: tuple[str, ...]

    def samples(self) -> Samples:
        """Show the split to a model."""
        return Samples(self.images, self.labels, mean=MEAN, std=STD)


@cache
def load() -> tuple[Images, Labels]:
    """Load all digits in file order: N x 8 x 8 x 1 in [0, 255], and N labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images[..., None] * (255 / 16)).astype(np.uint8)
    return images, bunch.target.astype(np.int64)


def drifted(images: Images, *, tau: float, strength: float, seed: int) -> Images:
    """Let images drift to time tau in [0, 1]: rotate, blur, lose contrast, brighten, add noise.

    Rotation 30 degrees, blur sd 0.15 pixels, contrast loss 0.12, offset 0.06 and noise sd 0.16 (of the
    range from black to white), each times strength * tau, at 16 x 16, averaged to 8 x 8 again.
    """
    from scipy import ndimage

    amount = strength * tau
    x = _doubled(images[..., 0].astype(np.float64) / 255)
    x = ndimage.rotate(x, 30 * amount, axes=(2, 1), reshape=False, order=1)
    x = ndimage.gaussian_filter(x, sigma=(0, 0.15 * amount, 0.15 * amount))
    x = 0.5 + (x - 0.5) * (1 - 0.12 * amount) + 0.06 * amount
    x += np.random.default_rng(seed).normal(0, 0.16 * amount, x.shape)
    small = x.reshape(len(x), 8, 2, 8, 2).mean(axis=(2, 4)).clip(0, 1)
    pixels: Images = np.rint(255 * small).astype(np.uint8)[..., None]
    return pixels


def split(positions: NDArray[np.int64], *, tau: float, strength: float, seed: int) -> Split:
    """Take the digits at these positions of the file, as they look at time tau."""
    images, labels = load()
    seen = drifted(images[positions], tau=tau, strength=strength, seed=seed)
    return Split(seen, labels[positions], tuple(f"digits-{position:04d}" for position in positions))


def base(*, strength: float, seed: int) -> Split:
    """Give the 300 digits that the common ancestor of all sources is trained on, without drift."""
    return split(np.arange(1797)[BASE], tau=0.0, strength=strength, seed=seed)


def source(number: int, *, of: int, strength: float, seed: int) -> Split:
    """Give the 225 digits of source number 1 to of, at time number / (of + 1).

    Four sources share nothing; more begin evenly spaced and overlap.
    """
    if not 1 <= number <= of:
        raise InvalidConfig(f"digits: source {number} of {of}, needs 1 to {of}; nothing was made")
    pool = np.arange(1797)[SOURCES]
    start = (number - 1) * len(pool) // of
    positions = np.roll(pool, -start)[:SOURCE_SIZE]
    return split(positions, tau=number / (of + 1), strength=strength, seed=seed * 1000 + number)


@dataclass(frozen=True, slots=True)
class TargetSplits:
    """The target's data at time 1; empty gate where none was asked for."""

    train: Split
    val: Split
    gate: Split
    test: Split


def target(*, budget: int, strength: float, seed: int, gate: int = 0) -> TargetSplits:
    """Give the target's data: budget labels, a quarter of them (10 at least) for val, and 347 for test.

    gate: samples for the gate split, beside the budget. Which images serve for what depends on the seed.
    Raises InvalidConfig when budget and gate do not fit into the 250 that are no test.
    """
    spare = POOL.stop - POOL.start - TEST_SIZE
    if not 20 <= budget <= spare - gate:
        raise InvalidConfig(
            f"digits: budget {budget} with gate {gate}, needs 20 to {spare} in all; nothing made"
        )
    order = np.random.default_rng(seed).permutation(np.arange(1797)[POOL])
    val = max(10, budget // 4)
    cuts = np.cumsum([TEST_SIZE, budget - val, val, gate])
    parts = np.split(order, cuts)[:4]
    test, train, held, gated = (
        split(part, tau=1.0, strength=strength, seed=seed * 1000 + 900 + n) for n, part in enumerate(parts)
    )
    return TargetSplits(train=train, val=held, gate=gated, test=test)


def _doubled(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Enlarge N x 8 x 8 to N x 16 x 16, bilinear with pixel centres kept in place."""
    at = (np.arange(16) + 0.5) / 2 - 0.5
    low = np.clip(np.floor(at).astype(int), 0, 7)
    high = np.clip(low + 1, 0, 7)
    weight = np.clip(at - low, 0, 1)
    rows = images[:, low] * (1 - weight)[None, :, None] + images[:, high] * weight[None, :, None]
    wide: NDArray[np.float64] = rows[:, :, low] * (1 - weight) + rows[:, :, high] * weight
    return wide
