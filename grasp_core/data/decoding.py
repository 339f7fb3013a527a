"""One image file, decoded to the pixels that a model sees."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import InvalidData

if TYPE_CHECKING:
    from PIL import Image as Pillow

ENLARGED = 256 / 224  # of the shorter side before the centre crop, as the paper evaluates
LONGEST = 16  # times the crop: a longer side is cut before it is resized, or a thin line fills the memory

Image = NDArray[np.uint8]  # H x W x C


def decode(path: Path, *, height: int, width: int, channels: int) -> Image:
    """Decode an image, resize its shorter side, crop the centre: H x W x C, uint8.

    channels: 1 for grey, 3 for colour. Raises InvalidData for a file that holds no whole image, or values
    of more than 16 bits.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps

    try:
        with Pillow.open(path) as file:
            image = _eight_bits(ImageOps.exif_transpose(file), path).convert("L" if channels == 1 else "RGB")
        return np.asarray(_centre(image, height, width), dtype=np.uint8).reshape(height, width, channels)
    except InvalidData:
        raise
    except Exception as error:  # each decoder raises what it likes: RuntimeError, MemoryError and others
        raise InvalidData(f"{path}: {type(error).__name__}: {error}; the image is skipped") from error


def _eight_bits(image: "Pillow.Image", path: Path) -> "Pillow.Image":
    """Scale 16-bit greys to 8 bits, where Pillow's convert would cut them off at 255; pass others on."""
    from PIL import Image as Pillow

    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        kind = "floats" if image.mode == "F" else "32-bit values"
        raise InvalidData(
            f"{path}: holds {kind} from {values.min():g} to {values.max():g}, needs values of 8 or 16 bits; "
            "the image is skipped"
        )
    return Pillow.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))


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
