"""What lies between a file's pixels and those that a model sees: their direction, their bits, their alpha."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grasp_core.errors import InvalidData

if TYPE_CHECKING:
    from PIL import Image as Pillow

ORIENTATION = 0x0112  # the EXIF tag
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners write into 16-bit files

Say = Callable[[str], None]


def upright(image: "Pillow.Image", say: Say) -> "Pillow.Image":
    """Turn a photograph as its EXIF data tell; where they cannot be read it stays as it lies, which is said.

    Pillow's own exif_transpose writes all of the EXIF data anew, and fails where any of it is odd.
    """
    from PIL import Image as Pillow

    turn = Pillow.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    try:
        told = image.getexif().get(ORIENTATION, 1)
        known = turns.get(told)
    except Exception as error:  # struct.error, TypeError, SyntaxError and others, by what is broken
        say(f"its EXIF data cannot be read ({type(error).__name__}), so it stays as it lies")
        return image
    if known is None and told not in (0, 1):
        say(f"its EXIF orientation is {ascii(told)[:20]}, needs 1 to 8, so it stays as it lies")
    return image if known is None else image.transpose(known)


def eight_bits(image: "Pillow.Image", path: Path, say: Say) -> "Pillow.Image":
    """Scale greys of more than 8 bits, which Pillow's convert would cut off at 255; pass others on.

    The depth is the smallest usual one that holds the greatest value: 12 bits in a 16-bit file are not black.
    Raises InvalidData for floats and more than 16 bits.
    """
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
    depth = next(bits for bits in DEPTHS if values.max() < 2**bits)
    if depth < DEPTHS[-1]:
        say(f"its greatest value is {values.max()}, so it is read as {depth} bits in a file of 16")
    greatest = 2**depth - 1
    return Pillow.fromarray(((values.astype(np.uint32) * 255 + greatest // 2) // greatest).astype(np.uint8))


def opaque(image: "Pillow.Image", say: Say) -> "Pillow.Image":
    """Lay what is transparent on white, or on black where nothing would be seen on white; say so."""
    from PIL import Image as Pillow

    if not image.has_transparency_data:
        return image
    seen = image.convert("RGBA")
    alpha = seen.getchannel("A").getextrema()
    if alpha == (255, 255):
        return image
    for name in ("white", "black"):
        ground = Pillow.new("RGBA", seen.size, name)
        laid = Pillow.alpha_composite(ground, seen).convert("RGB")
        if alpha[0] == alpha[1] or np.ptp(np.asarray(laid), axis=(0, 1)).any():
            break
    say(f"it is transparent in parts, which are {name} now")
    return laid
