"""Checkpoints of publishers become the file that the bucket's contract wants, and nothing is executed."""

import os
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tasks.contracts.base import Architecture
from tasks.errors import InvalidCheckpoint
from tasks.weights.convert import convert
from tasks.weights.files import check_source, load_module, new_module, save
from tasks.weights.kind import is_checkpoint

DIGITS = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def module() -> torch.nn.Module:
    torch.manual_seed(3)
    return new_module(DIGITS)


def prefixed(module: torch.nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in module.state_dict().items()}


def lightning(module: torch.nn.Module) -> dict:
    """What a Lightning trainer writes for a module that holds the network as `model`."""
    return {
        "epoch": 3,
        "global_step": 120,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": prefixed(module, "model.") | {"criterion.weight": torch.ones(10)},
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}],
        "lr_schedulers": [],
        "hyper_parameters": {"lr": 0.1, "name": "x"},
    }


@pytest.mark.parametrize(
    ("make", "prefix"),
    [
        (lambda m: m.state_dict(), ""),
        (lambda m: prefixed(m, "module."), "module."),
        (lambda m: prefixed(m, "_orig_mod."), "_orig_mod."),
        (lambda m: prefixed(m, "module._orig_mod.backbone."), "module._orig_mod.backbone."),
        (lambda m: {"model_state_dict": m.state_dict(), "epoch": 7, "optimizer": {"lr": 0.1}}, ""),
        (lightning, "model."),
        (lambda m: {"model": m.state_dict()}, ""),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_the_models_tensors_are_found_wherever_a_checkpoint_keeps_them(
    module, tmp_path: Path, make, prefix: str, zipped: bool
):
    torch.save(make(module), tmp_path / "c.ckpt", _use_new_zipfile_serialization=zipped)
    assert is_checkpoint(tmp_path / "c.ckpt")
    done = convert(tmp_path / "c.ckpt", tmp_path / "w.safetensors", DIGITS)
    assert done.prefix == prefix
    check_source(tmp_path / "w.safetensors", DIGITS, object="w")
    assert done.sha256 == save(module, tmp_path / "direct.safetensors")  # byte for byte


def test_what_lies_beside_the_model_is_named(module, tmp_path: Path):
    torch.save(lightning(module), tmp_path / "c.ckpt")
    assert convert(tmp_path / "c.ckpt", tmp_path / "w", DIGITS).dropped == ("criterion.weight",)


def test_double_precision_becomes_single_and_half_stays(module, tmp_path: Path):
    torch.save(module.double().state_dict(), tmp_path / "d.pt")
    convert(tmp_path / "d.pt", tmp_path / "d", DIGITS)
    assert torch.equal(load_module(tmp_path / "d", DIGITS).head.weight, module.head.weight.float())
    torch.save(module.half().state_dict(), tmp_path / "h.pt")
    convert(tmp_path / "h.pt", tmp_path / "h", DIGITS)
    check_source(tmp_path / "h", DIGITS, object="h")
    assert (tmp_path / "h").stat().st_size < (tmp_path / "d").stat().st_size


def test_two_copies_of_the_model_ask_for_a_prefix(module, tmp_path: Path):
    torch.save(prefixed(module, "model.") | prefixed(new_module(DIGITS), "ema."), tmp_path / "c.pt")
    with pytest.raises(
        InvalidCheckpoint, match=r"2 times, under 'ema\.', 'model\.'; say which with --prefix"
    ):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)
    convert(tmp_path / "c.pt", tmp_path / "w", DIGITS, prefix="model.")
    assert torch.equal(load_module(tmp_path / "w", DIGITS).head.weight, module.head.weight)


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_checkpoint_is_executed(module, tmp_path: Path, zipped: bool):
    proof = tmp_path / "executed"
    evil = {"state_dict": module.state_dict(), "hyper_parameters": Evil(f"touch {proof}")}
    torch.save(evil, tmp_path / "c.ckpt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InvalidCheckpoint, match=r"save the model's state_dict alone"):
        convert(tmp_path / "c.ckpt", tmp_path / "w", DIGITS)
    assert not proof.exists()
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("odd", "name"),
    [
        (Namespace(lr=0.1), "argparse.Namespace"),
        (Path("/data"), "pathlib.PosixPath"),
        (np.float64(0.5), "numpy._core.multiarray.scalar"),
        (Evil("true"), "posix.system"),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_is_no_tensor_is_named_with_the_way_out_in_one_line(
    module, tmp_path: Path, odd: object, name: str, zipped: bool
):
    checkpoint = lightning(module) | {"hyper_parameters": {"odd": odd}}
    torch.save(checkpoint, tmp_path / "c.ckpt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InvalidCheckpoint) as caught:
        convert(tmp_path / "c.ckpt", tmp_path / "w", DIGITS)
    said = str(caught.value)
    assert f"holds {name}, needs tensors and plain values only; nothing was converted" in said
    assert 'torch.save(checkpoint["state_dict"], FILE)' in said
    assert "trust" not in said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": 1}, "needs a state_dict"),
        ([torch.ones(1)], "holds list"),
        ({"conv1.weight": torch.ones(1)}, r"tensors of grasp/digits-cnn are missing"),
    ],
)
def test_other_contents_are_refused_by_what_they_are(tmp_path: Path, content: object, said: str):
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=said):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)


def test_a_tensor_that_the_architecture_lacks_is_named(module, tmp_path: Path):
    torch.save(module.state_dict() | {"extra.weight": torch.ones(2)}, tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=r"does not have \(extra\.weight\)"):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)


def test_a_sparse_tensor_is_refused(module, tmp_path: Path):
    state = module.state_dict()
    state["head.weight"] = state["head.weight"].to_sparse()
    torch.save(state, tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=r"head\.weight"):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)


@pytest.mark.parametrize("content", [b"PK\x03\x04junk", b"\x80\x02junk", b"\x80\x04"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes):
    (tmp_path / "c.pt").write_bytes(content)
    assert is_checkpoint(tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=r"c\.pt: cannot be read"):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)


def test_what_else_torch_cannot_read_is_said_without_its_advice_to_load_it_all_the_same(tmp_path: Path):
    (tmp_path / "c.pt").write_bytes(b"\x80\x02  ")
    with pytest.raises(InvalidCheckpoint, match="Unsupported operand 32") as caught:
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)
    assert "trust" not in str(caught.value)


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580, 0x10280, 0x20580])
def test_safetensors_whose_header_length_begins_as_a_pickle_does_are_no_checkpoint(
    tmp_path: Path, length: int
):
    tensors = {"w": torch.ones(1)}
    save_file(tensors, tmp_path / "w", metadata={"note": ""})
    short = int.from_bytes((tmp_path / "w").read_bytes()[:8], "little")
    save_file(tensors, tmp_path / "w", metadata={"note": "x" * (length - short)})
    assert (tmp_path / "w").read_bytes()[:8] == length.to_bytes(8, "little")
    assert not is_checkpoint(tmp_path / "w")


def test_a_pickle_that_claims_more_than_its_file_holds_is_a_checkpoint(tmp_path: Path):
    (tmp_path / "c").write_bytes((0x280).to_bytes(8, "little") + b"{}")
    assert is_checkpoint(tmp_path / "c")


def test_safetensors_are_no_checkpoint(module, tmp_path: Path):
    save(module, tmp_path / "w.ckpt")
    assert not is_checkpoint(tmp_path / "w.ckpt")
