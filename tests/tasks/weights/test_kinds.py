"""What is no weights file is called by its name, with the way out, wherever a file is read."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tasks.contracts.base import Architecture
from tasks.errors import BadArrival, InvalidCheckpoint
from tasks.weights.convert import convert, fits_as_it_is
from tasks.weights.files import check_source
from tasks.weights.kinds import kind_of

DIGITS = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 94357120\n"
ONNX = b"\x08\x08\x12\x07pytorch\x1a\x052.0.0:" + bytes(100)


def tar() -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("w.safetensors"))
    return body.getvalue()


def zipped(*names: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return body.getvalue()


def torchscript() -> bytes:
    body = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), body)
    return body.getvalue()


FOREIGN = [
    (LFS, "a Git LFS pointer", "git lfs pull"),
    (b"<!DOCTYPE html><html><body>Sign in</body>", "a web page", "download the file itself"),
    (b"\n\n<html>", "a web page", "login"),
    (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code>", "an XML document", "download"),
    (gzip.compress(bytes(1000), mtime=0), "gzip", "gunzip"),
    (tar(), "a tar archive", "unpack it"),
    (zipped("a/w.safetensors"), "a zip archive that torch.save did not write", "unpack it"),
    (zipped("arr_0.npy"), "NumPy arrays (.npz)", "state_dict"),
    (zipped("metadata.json", "config.json", "model.weights.h5"), "a Keras model", "state_dict"),
    (torchscript(), "a TorchScript archive", "torch.jit.load(FILE).state_dict()"),
    (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5, as Keras writes .h5", "state_dict"),
    (ONNX, "an ONNX model", "state_dict"),
]


@pytest.mark.parametrize(("body", "name", "cure"), FOREIGN, ids=lambda each: str(each)[:20])
def test_a_foreign_file_is_named_with_its_cure_where_it_is_published(
    tmp_path: Path, body: bytes, name: str, cure: str
):
    path = tmp_path / "w.pth"
    path.write_bytes(body)
    with pytest.raises(InvalidCheckpoint) as refused:
        convert(path, tmp_path / "out", DIGITS)
    if not body.startswith(b"PK"):  # which goes to torch without this
        with pytest.raises(InvalidCheckpoint, match="nothing was published"):
            fits_as_it_is(path, DIGITS)
    said = str(refused.value)
    assert name in said
    assert cure in said
    assert "weights_only=False" not in said
    assert "bytes, at most" not in said


@pytest.mark.parametrize(("body", "name", "cure"), FOREIGN, ids=lambda each: str(each)[:20])
def test_and_where_it_arrives(tmp_path: Path, body: bytes, name: str, cure: str):
    (tmp_path / "w.safetensors").write_bytes(body)
    with pytest.raises(BadArrival) as refused:
        check_source(tmp_path / "w.safetensors", DIGITS, object="w")
    assert refused.value.code == "weights_format"
    assert refused.value.found.startswith(name)
    assert cure in refused.value.found


def test_weights_and_checkpoints_are_none_of_these(tmp_path: Path):
    save_file({"w": torch.ones(1)}, tmp_path / "w")
    torch.save({"w": torch.ones(1)}, tmp_path / "c")
    torch.save({"w": torch.ones(1)}, tmp_path / "old", _use_new_zipfile_serialization=False)
    assert [kind_of(tmp_path / name) for name in ("w", "c", "old")] == [None] * 3


def test_a_header_length_that_begins_as_gzip_does_is_a_header(tmp_path: Path):
    body = b'{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
    length = 0x8B1F  # the bytes 1f 8b
    (tmp_path / "w").write_bytes(length.to_bytes(8, "little") + body.ljust(length))
    assert kind_of(tmp_path / "w") is None


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_was_uploaded_as_it_is_is_called_one(tmp_path: Path, zipped: bool):
    torch.save({"w": torch.ones(1)}, tmp_path / "w", _use_new_zipfile_serialization=zipped)
    with pytest.raises(BadArrival, match=r"a torch checkpoint \(grasp publish converts it"):
        check_source(tmp_path / "w", DIGITS, object="w")
