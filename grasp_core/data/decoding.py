"""One image file, decoded to the pixels that a model sees."""

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grasp_core.data.pixels import Say, eight_bits, opaque, upright
from grasp_core.errors import InvalidData

if TYPE_CHECKING:
    from PIL import Image as Pillow

ENLARGED = 256 / 224  # of the shorter side before the centre crop, as the paper evaluates
LONGEST = 16  # times the crop: a longer side is cut before it is resized, or a thin line fills the memory

Image = NDArray[np.uint8]  # H x W x C


def _nothing(_said: str) -> None:
    """Pass over what is said of an image."""


def decode(path: Path, *, height: int, width: int, channels: int, say: Say = _nothing) -> Image:
    """Decode an image, resize its shorter side, crop the centre: H x W x C, uint8.

    channels: 1 for grey, 3 for colour. say: gets what a person should know of an image that is kept.
    Raises InvalidData for a file that holds no whole image, or values of more than 16 bits.
    """
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            image = _open(path, say).convert("L" if channels == 1 else "RGB")
            pixels = np.asarray(_centre(image, height, width), dtype=np.uint8)
    except InvalidData:
        raise
    except Exception as error:  # each decoder raises what it likes: RuntimeError, MemoryError and others
        raise InvalidData(f"{path}: {type(error).__name__}: {error}; the image is skipped") from error
    for each in warned:
        say(str(each.message))
    return pixels.reshape(height, width, channels)


def _open(path: Path, say: Say) -> "Pillow.Image":
    from PIL import Image as Pillow

    with Pillow.open(path) as file:
        file.load()
        return opaque(eight_bits(upright(file, say), path, say), say)


def _centre(image: "Pillow.Image", height: int, width: int) -> "Pillow.Image":
    """Resize the shorter side, crop the centre."""
    from PIL import Image as Pillow

    factor = max(height * ENLARGED / image.height, width * ENLARGED / image.width)
    across = _cut(image.width, math.ceil(LONGEST * width * ENLARGED / factor))
    down = _cut(image.height, math.ceil(LONGEST * height * ENLARGED / factor))
    box = (across, down, image.width - across, image.height - down)
    size = (
        max(width, round((image.width - 2 * across) * factor)),
        max(height, round((image.height - 2 * down) * factor)),
    )
    image = image.resize(size, Pillow.Resampling.BILINEAR, box=box)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _cut(side: int, longest: int) -> int:
    """Say how many pixels go at either end, so that the centre stays where it is."""
    return max(0, (side - longest) // 2)
