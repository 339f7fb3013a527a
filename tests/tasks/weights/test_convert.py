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
from tasks.publishing.account import account
from tasks.weights.convert import convert, fits_as_it_is
from tasks.weights.files import check_source, load_module, new_module, save
from tasks.weights.kinds import is_checkpoint

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
        (Path("/data"), f"{type(Path()).__module__}.PosixPath"),
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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensor: tensor.to(torch.complex64), r"is complex \(torch\.complex64\); .* real numbers only"),
        (lambda tensor: tensor.to("meta"), "is on the meta device, without values; save the model after"),
    ],
    ids=["complex", "without values"],
)
def test_a_tensor_that_no_network_here_can_take_is_called_what_it_is(module, tmp_path: Path, change, said):
    state = module.state_dict()
    state["head.weight"] = change(state["head.weight"])
    torch.save(state, tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=rf"head\.weight {said}.*nothing was converted"):
        convert(tmp_path / "c.pt", tmp_path / "out.safetensors", architecture=DIGITS)
    assert not (tmp_path / "out.safetensors").exists()


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


def test_the_bare_model_beside_a_copy_is_taken_with_an_empty_prefix(module, tmp_path: Path):
    averaged = new_module(DIGITS)
    torch.save(module.state_dict() | prefixed(averaged, "ema."), tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=r"2 times, under '', 'ema\.'; say which with --prefix"):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)
    for prefix, model, copy in (("", module, "ema."), ("ema.", averaged, "")):
        done = convert(tmp_path / "c.pt", tmp_path / "w", DIGITS, prefix=prefix)
        assert torch.equal(load_module(tmp_path / "w", DIGITS).head.weight, model.head.weight)
        assert done.chosen.copies == (copy,)


def test_a_copy_of_the_parameters_alone_is_left_out_too_and_named(module, tmp_path: Path):
    averaged = {f"ema.{name}": tensor for name, tensor in new_module(DIGITS).named_parameters()}
    torch.save(module.state_dict() | {name: t.data for name, t in averaged.items()}, tmp_path / "c.pt")
    done = convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)
    assert (done.prefix, done.chosen.copies) == ("", ("ema.",))
    assert any("--prefix 'ema.' takes that one" in line for line in account(tmp_path / "c.pt", done))


def test_of_two_state_dicts_the_one_taken_is_said_and_the_other_is_offered(module, tmp_path: Path):
    averaged = new_module(DIGITS)
    both = {"state_dict": module.state_dict(), "state_dict_ema": averaged.state_dict(), "epoch": 3}
    torch.save(both, tmp_path / "c.pt")
    first, second = account(tmp_path / "c.pt", convert(tmp_path / "c.pt", tmp_path / "w", DIGITS))
    assert first.endswith("state dict state_dict taken")
    assert "--state-dict 'state_dict_ema' takes that one" in second
    convert(tmp_path / "c.pt", tmp_path / "w", DIGITS, nest="state_dict_ema")
    assert torch.equal(load_module(tmp_path / "w", DIGITS).head.weight, averaged.head.weight)
    with pytest.raises(
        InvalidCheckpoint, match=r"no state dict 'ema'; it has 'state_dict', 'state_dict_ema'"
    ):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS, nest="ema")


def test_a_prefix_that_does_not_fit_is_told_the_one_that_does(module, tmp_path: Path):
    torch.save(prefixed(module, "model."), tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=r"under prefix 'net\.'; the model lies under 'model\.'"):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS, prefix="net.")


def test_safetensors_are_converted_as_torchs_files_are(module, tmp_path: Path):
    doubles = {
        f"model.{name}": t.double() if t.is_floating_point() else t for name, t in module.state_dict().items()
    }
    for save_as, name in ((save_file, "w.safetensors"), (torch.save, "c.pt")):
        save_as(doubles, tmp_path / name)
        assert is_checkpoint(tmp_path / name) or not fits_as_it_is(tmp_path / name, DIGITS)
        done = convert(tmp_path / name, tmp_path / f"{name}.out", DIGITS)
        assert (done.prefix, done.doubles) == (
            "model.",
            sum(t.dtype == torch.float64 for t in doubles.values()),
        )
        assert any("float64 and became float32" in line for line in account(tmp_path / name, done))
    outs = [(tmp_path / f"{name}.out").read_bytes() for name in ("w.safetensors", "c.pt")]
    assert outs[0] == outs[1]


@pytest.mark.parametrize("prefix", ["", "module."])
def test_counters_that_old_checkpoints_lack_become_0_and_that_is_said(module, tmp_path: Path, prefix: str):
    old = {
        name: t for name, t in prefixed(module, prefix).items() if not name.endswith("num_batches_tracked")
    }
    torch.save(old, tmp_path / "c.pt")
    done = convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)
    check_source(tmp_path / "w", DIGITS, object="w")
    assert int(load_module(tmp_path / "w", DIGITS).bn1.num_batches_tracked) == 0
    assert any("3 counters num_batches_tracked" in line for line in account(tmp_path / "c.pt", done))
    del old[f"{prefix}bn1.running_mean"]
    torch.save(old, tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=r"1 tensors of grasp/digits-cnn are missing"):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS, prefix=prefix)


def test_a_deeper_network_is_no_copy_of_a_shallow_one(tmp_path: Path):
    shallow = Architecture(id="torchvision/resnet18", in_channels=3, num_classes=3)
    torch.save(
        new_module(shallow.model_copy(update={"id": "torchvision/resnet34"})).state_dict(), tmp_path / "c.pt"
    )
    with pytest.raises(InvalidCheckpoint, match="tensors that torchvision/resnet18 does not have"):
        convert(tmp_path / "c.pt", tmp_path / "w", shallow)


def test_a_quantized_tensor_is_called_quantized(module, tmp_path: Path):
    state = module.state_dict()
    state["head.weight"] = torch.quantize_per_tensor(state["head.weight"], 0.1, 0, torch.qint8)
    torch.save(state, tmp_path / "c.pt")
    with pytest.raises(InvalidCheckpoint, match=r"head\.weight is quantized \(torch\.qint8\)"):
        convert(tmp_path / "c.pt", tmp_path / "w", DIGITS)
