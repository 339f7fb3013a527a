"""Our files are the same bytes for the same tensors, and a stranger's values are checked one by one."""

from pathlib import Path

import pytest
import torch

from grasp_core.errors import InvalidSnapshot
from tasks.contracts.base import Architecture
from tasks.errors import BadArrival
from tasks.weights.files import check_source, expected_tensors, load_module, load_source, new_module, save
from tasks.weights.snapshots import FileSnapshots

DIGITS = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_saved_module_comes_back_bit_for_bit(tmp_path: Path):
    module = new_module(DIGITS)
    module(torch.rand(8, 1, 8, 8))  # moves the batch-norm buffers, num_batches_tracked too
    save(module, tmp_path / "w.safetensors")
    back = load_source(tmp_path / "w.safetensors", DIGITS, object="w")
    assert equal(module, back)
    assert back.state_dict()["bn1.num_batches_tracked"] == 1


def test_equal_tensors_give_equal_bytes(tmp_path: Path):
    module = new_module(DIGITS)
    first = save(module, tmp_path / "a")
    copy = new_module(DIGITS)
    copy.load_state_dict(module.state_dict())
    assert save(copy, tmp_path / "b") == first
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path):
    module = new_module(DIGITS)
    save(module, tmp_path / "w")
    before = (tmp_path / "w").read_bytes()
    module.register_buffer("strange", torch.zeros(2, device="meta"))
    with pytest.raises(NotImplementedError):
        save(module, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["w"]


def test_tied_and_transposed_tensors_are_saved(tmp_path: Path):
    module = torch.nn.Module()
    shared = torch.nn.Parameter(torch.rand(3, 2))
    module.a, module.b = shared, shared
    module.register_buffer("c", torch.rand(2, 5).T)
    save(module, tmp_path / "w")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_half_precision_source_is_loaded_in_float32(tmp_path: Path, dtype: torch.dtype):
    module = new_module(DIGITS).to(dtype)
    save(module, tmp_path / "w")
    back = load_source(tmp_path / "w", DIGITS, object="w")
    assert back.head.weight.dtype == torch.float32
    assert torch.equal(back.head.weight, module.head.weight.float())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["conv2.weight", "bn3.running_var"])
def test_a_value_that_is_not_finite_is_found_and_its_tensor_named(tmp_path: Path, value: float, name: str):
    module = new_module(DIGITS)
    module.state_dict()[name].view(-1)[-1] = value
    save(module, tmp_path / "w")
    with pytest.raises(BadArrival) as caught:
        check_source(tmp_path / "w", DIGITS, object="blob")
    assert caught.value.code == "weights_values"
    assert name in caught.value.found


def test_another_number_of_classes_is_refused(tmp_path: Path):
    save(new_module(DIGITS), tmp_path / "w")
    with pytest.raises(BadArrival, match="head") as caught:
        load_source(tmp_path / "w", DIGITS.model_copy(update={"num_classes": 11}), object="blob")
    assert caught.value.code == "weights_tensors"


def test_building_a_module_leaves_the_random_numbers_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    new_module(DIGITS)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", ["torchvision/resnet50", "timm/mobilevit_xxs"])
def test_every_tensor_of_the_state_dict_is_expected(tmp_path: Path, name: str):
    architecture = Architecture(id=name, in_channels=3, num_classes=10)
    save(new_module(architecture), tmp_path / "w")
    assert (
        expected_tensors(architecture).keys() == load_module(tmp_path / "w", architecture).state_dict().keys()
    )


def test_snapshots_give_a_module_back_and_lie_where_they_say(tmp_path: Path):
    snapshots = FileSnapshots(tmp_path)
    module = new_module(DIGITS)
    snapshots.save("stem", module)
    other = new_module(DIGITS)
    snapshots.load_into("stem", other)
    assert equal(module, other)
    assert equal(load_module(snapshots.path("stem"), DIGITS), module)


def test_an_absent_or_foreign_snapshot_is_refused(tmp_path: Path):
    snapshots = FileSnapshots(tmp_path)
    with pytest.raises(InvalidSnapshot, match="is not there"):
        snapshots.load_into("stem", new_module(DIGITS))
    snapshots.save("stem", new_module(DIGITS.model_copy(update={"num_classes": 3})))
    with pytest.raises(InvalidSnapshot, match=r"head\.weight"):
        snapshots.load_into("stem", new_module(DIGITS))
