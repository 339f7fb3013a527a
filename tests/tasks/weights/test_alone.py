"""A weights file is judged with numpy alone as it is with torch, until it comes to the architecture."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.contracts.base import Architecture
from tasks.errors import BadArrival
from tasks.weights import alone
from tasks.weights.alone import check_alone
from tasks.weights.files import check_source, new_module, save

ARCHITECTURE = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=2)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    save(new_module(ARCHITECTURE), tmp_path / "sound.safetensors")
    return tmp_path / "sound.safetensors"


def said_by(check, file: Path) -> str:
    with pytest.raises(BadArrival) as error:
        check(file)
    return str(error.value)


def test_a_sound_file_passes(sound: Path):
    check_alone(sound, object="x")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -1.0])
@pytest.mark.parametrize("end", ["running_var", "weight"])
def test_both_ways_of_checking_say_the_same_of_the_same_file(
    sound: Path, dtype: torch.dtype, value: float, end: str
):
    tensors = load_file(sound)
    name = next(name for name in tensors if name.endswith(end))
    tensors[name] = tensors[name].to(dtype)
    tensors[name].view(-1)[-1] = value
    save_file(tensors, sound)
    if (end, value) == ("weight", -1.0):
        check_source(sound, ARCHITECTURE, object="x")
        check_alone(sound, object="x")
        return
    with_torch = said_by(lambda file: check_source(file, ARCHITECTURE, object="x"), sound)
    assert said_by(lambda file: check_alone(file, object="x"), sound) == with_torch


def test_a_tensor_is_read_in_pieces_and_its_last_value_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(alone, "CHUNK", 3)
    save_file({"w": torch.tensor([0, 1, 2, 3, 4, 5, float("nan")])}, tmp_path / "w.safetensors")
    said = said_by(lambda file: check_alone(file, object="x"), tmp_path / "w.safetensors")
    assert "1 of 7 values of tensor w are NaN or infinite" in said


def test_a_file_without_tensors_and_floats_of_another_kind_are_refused(tmp_path: Path):
    save_file({}, tmp_path / "none.safetensors")
    assert "no tensors" in said_by(lambda file: check_alone(file, object="x"), tmp_path / "none.safetensors")
    save_file({"w": torch.zeros(2, dtype=torch.float64)}, tmp_path / "f64.safetensors")
    said = said_by(lambda file: check_alone(file, object="x"), tmp_path / "f64.safetensors")
    assert "tensor w is F64; needed F32 or F16 or BF16" in said
