"""Odd photographs are kept as well as they can be read, and what was done is said."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from grasp_core.data.decoding import decode

UPRIGHT = (0x0112, 3, 1, b"\0\6\0\0")  # orientation 6, as a camera writes it: tag, type, count, value


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """EXIF data with these tags, sound or not."""
    body = b"".join(struct.pack(">HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + body + bytes(4)


def read(path: Path) -> tuple[np.ndarray, list[str]]:
    said: list[str] = []
    return decode(path, height=8, width=8, channels=3, say=said.append), said


@pytest.mark.parametrize("orientation", range(9))
def test_a_photograph_is_turned_as_pillow_turns_it(tmp_path: Path, pixels, orientation: int):
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "x.png", exif=tags)
    ImageOps.exif_transpose(Image.open(tmp_path / "x.png")).save(tmp_path / "turned.png", exif=b"")
    found, said = read(tmp_path / "x.png")
    assert np.array_equal(found, read(tmp_path / "turned.png")[0])
    assert said == []


@pytest.mark.parametrize(
    "odd",
    [(0x011A, 2, 4, b"abc\0"), (0x0100, 9, 1, struct.pack(">i", -5))],
    ids=["wrong type", "out of range"],
)
def test_an_odd_tag_beside_the_orientation_loses_nothing(tmp_path: Path, pixels, odd):
    Image.fromarray(pixels).save(tmp_path / "odd.jpg", exif=exif(UPRIGHT, odd))
    Image.fromarray(pixels).save(tmp_path / "sound.jpg", exif=exif(UPRIGHT))
    Image.fromarray(pixels).save(tmp_path / "plain.jpg")
    found, said = read(tmp_path / "odd.jpg")
    assert np.array_equal(found, read(tmp_path / "sound.jpg")[0])
    assert not np.array_equal(found, read(tmp_path / "plain.jpg")[0])
    assert said == []


@pytest.mark.parametrize(
    "broken",
    [
        exif((0x0112, 2, 2, b"6\0\0\0")),
        exif((0x0112, 3, 1, b"\0\x63\0\0")),
        exif(UPRIGHT, UPRIGHT)[:-24],
        exif(UPRIGHT)[:-8],
    ],
    ids=["text", "99", "short block", "shorter"],
)
def test_a_photograph_with_broken_exif_is_kept_as_it_lies_which_is_said(
    tmp_path: Path, pixels, broken: bytes
):
    Image.fromarray(pixels).save(tmp_path / "x.jpg", exif=broken)
    Image.fromarray(pixels).save(tmp_path / "plain.jpg")
    found, said = read(tmp_path / "x.jpg")
    assert np.array_equal(found, read(tmp_path / "plain.jpg")[0])
    assert len(said) >= 1


@pytest.mark.parametrize(("shade", "ground"), [(0, "white"), (255, "black")])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_shapes_that_lie_in_alpha_alone_are_no_equal_images(
    tmp_path: Path, shade: int, ground: str, mode: str
):
    found = []
    for place in (0, 4):
        drawn = np.full((8, 8, len(mode)), shade, np.uint8)
        drawn[..., -1] = 0
        drawn[place : place + 3, :, -1] = 255
        Image.fromarray(drawn, mode).save(tmp_path / "x.png")
        pixels, said = read(tmp_path / "x.png")
        assert said == [f"it is transparent in parts, which are {ground} now"]
        found.append(pixels)
    assert not np.array_equal(*found)


def test_an_image_whose_alpha_says_nothing_is_read_as_before(tmp_path: Path, pixels):
    whole = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    Image.fromarray(whole).save(tmp_path / "x.png")
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    found, said = read(tmp_path / "x.png")
    assert np.array_equal(found, read(tmp_path / "plain.png")[0])
    assert said == []


@pytest.mark.parametrize("depth", [8, 10, 12, 14])
def test_fewer_bits_in_a_file_of_16_keep_their_shades(tmp_path: Path, depth: int):
    halves = np.zeros((16, 16), "<u2")
    halves[:, 8:] = 2**depth - 1
    Image.fromarray(halves).save(tmp_path / "x.png")
    found, said = read(tmp_path / "x.png")
    assert (found.min(), found.max()) == (0, 255)
    assert said == [f"its greatest value is {2**depth - 1}, so it is read as {depth} bits in a file of 16"]


def test_what_pillow_warns_of_is_said_of_the_image_and_goes_nowhere_else(
    tmp_path: Path, pixels, monkeypatch: pytest.MonkeyPatch, recwarn
):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    assert any("exceeds limit of 500 pixels" in line for line in read(tmp_path / "large.png")[1])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    palette = Image.fromarray(pixels).convert("P")
    palette.save(tmp_path / "palette.png", transparency=bytes([0, 255] * 100))
    assert any("transparent in parts" in line for line in read(tmp_path / "palette.png")[1])
    assert not list(recwarn)
