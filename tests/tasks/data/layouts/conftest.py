import numpy as np
import pytest
from PIL import Image

from tasks.contracts.base import InputSpec


@pytest.fixture
def spec():
    return InputSpec(height=8, width=8, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.fixture
def paint():
    """Save an image of pixels that no other has."""
    rng = np.random.default_rng(0)

    def save(path, *, grey=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (9, 8) if grey else (9, 8, 3), np.uint8)
        Image.fromarray(pixels).save(path, format="PNG" if path.suffix.lower() == ".png" else "JPEG")
        return path

    return save


@pytest.fixture
def clutter():
    """Leave what file managers and archivers leave."""

    def leave(folder, *, beside):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", f"._{beside}"):
            (folder / name).write_bytes(b"\0\5\x16\7junk")
        (folder / "__MACOSX").mkdir(exist_ok=True)
        (folder / "__MACOSX" / f"._{beside}").write_bytes(b"\0\5\x16\7junk")

    return leave
