"""What a file is that is no weights file, by its first bytes: its name, and what to do instead."""

import zipfile
from pathlib import Path
from typing import NamedTuple

LENGTH = 8  # bytes that say how long a safetensors header is, little-endian
READ = 512  # bytes that tell
TAR = (257, b"ustar")
RESAVE = "save the model's state_dict: torch.save(model.state_dict(), FILE), or as safetensors"
UNPACK = "unpack it, and publish the weights file that is in it"


class Kind(NamedTuple):
    """A kind of file, and the way to a weights file from there."""

    name: str
    cure: str

    def __str__(self) -> str:
        return f"{self.name} ({self.cure})"


LFS = Kind("a Git LFS pointer, not the file itself", "fetch it with git lfs pull")
PAGE = Kind("a web page", "what answered gave an error or a login page: download the file itself")
ANSWER = Kind("an XML document", "what answered may have given an error: download the file itself")
ONNX = Kind("an ONNX model", f"its tensors have other names: {RESAVE}, where it was exported")
TORCHSCRIPT = Kind(
    "a TorchScript archive", "save its tensors: torch.save(torch.jit.load(FILE).state_dict(), OUT)"
)
TORCH = Kind("a torch checkpoint", "grasp publish converts it to safetensors, before it is uploaded")
EXPORTED = Kind("a torch.export archive", f"it is a program: {RESAVE}")
STARTS = {
    b"version https://git-lfs": LFS,
    b"<?xml": ANSWER,
    b"\x1f\x8b": Kind("gzip", "decompress it with gunzip; of a .tar.gz publish the weights file in it"),
    b"BZh": Kind("bzip2", "decompress it with bunzip2"),
    b"\xfd7zXZ": Kind("xz", "decompress it with unxz"),
    b"\x28\xb5\x2f\xfd": Kind("zstd", "decompress it with unzstd"),
    b"7z\xbc\xaf": Kind("a 7z archive", UNPACK),
    b"Rar!": Kind("a RAR archive", UNPACK),
    b"\x89HDF": Kind("HDF5, as Keras writes .h5", f"it holds another framework's layers: {RESAVE}"),
    b"GGUF": Kind("GGUF", f"it is for inference only: {RESAVE}"),
    b"\x93NUMPY": Kind("one NumPy array", RESAVE),
    b"\x89PNG": Kind("a PNG image", "publish the weights file"),
    b"\xff\xd8\xff": Kind("a JPEG image", "publish the weights file"),
    b"%PDF": Kind("a PDF", "publish the weights file"),
}


def is_torchs(start: bytes) -> bool:
    """Say whether a file begins as what torch.save writes: a zip, or a pickle of old."""
    return start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"))


def is_safetensors(start: bytes, size_bytes: int) -> bool:
    """Say whether a file begins as safetensors do: the length of a header, then its JSON.

    The length may begin as another kind of file does: 640 is the bytes 80 02 of a pickle.
    """
    return (
        start[LENGTH : LENGTH + 1] == b"{" and int.from_bytes(start[:LENGTH], "little") <= size_bytes - LENGTH
    )


def is_checkpoint(path: Path) -> bool:
    """Say whether a file is a torch checkpoint by its first bytes, whatever its name."""
    with path.open("rb") as file:
        start = file.read(LENGTH + 1)
    return is_torchs(start) and not is_safetensors(start, path.stat().st_size)


def kind_of(path: Path) -> Kind | None:
    """Recognise what neither torch nor safetensors wrote; None for what may be weights."""
    with path.open("rb") as file:
        start = file.read(READ)
    if is_safetensors(start, path.stat().st_size):
        return None
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return PAGE
    for magic, kind in STARTS.items():
        if start.startswith(magic):
            return kind
    if start[TAR[0] :].startswith(TAR[1]):
        return Kind("a tar archive", UNPACK)
    if start[4:8] == b"TFL3":
        return Kind("a TensorFlow Lite model", f"it is for inference only: {RESAVE}")
    if start.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    return ONNX if _is_onnx(start) else None


def no_safetensors(path: Path) -> Kind | None:
    """Recognise what is no safetensors file, torch's own among it; None for what may be one."""
    with path.open("rb") as file:
        start = file.read(READ)
    torchs = is_torchs(start) and not is_safetensors(start, path.stat().st_size)
    return kind_of(path) or (TORCH if torchs else None)


def _in_zip(path: Path) -> Kind | None:
    """Tell a zip of torch.save, which holds data.pkl, from others."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return None  # torch says what is wrong with it
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last and any("code/" in name for name in names):
        return TORCHSCRIPT
    if "archive_format" in last or "serialized_exported_program.json" in last:
        return EXPORTED
    if "data.pkl" in last:
        return None
    if {"metadata.json", "config.json"} <= last:
        return Kind("a Keras model", f"it holds another framework's layers: {RESAVE}")
    if names and all(name.endswith(".npy") for name in names):
        return Kind("NumPy arrays (.npz)", RESAVE)
    return Kind("a zip archive that torch.save did not write", UNPACK)


def _is_onnx(start: bytes) -> bool:
    """A protobuf whose first field is a small version, and its second the name of who wrote it."""
    if len(start) < 8 or start[0] != 0x08 or start[1] > 32 or start[2] != 0x12:
        return False
    name = start[4 : 4 + start[3]]
    return 0 < start[3] < 64 and name.isascii() and name.decode("ascii").isprintable()
