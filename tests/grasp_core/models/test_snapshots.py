import pytest
import torch
from torch import nn

from grasp_core.errors import InvalidSnapshot
from grasp_core.models.snapshots import DiskSnapshots, MemorySnapshots, restored_on_error


@pytest.fixture(params=["memory", "disk"])
def snapshots(request, tmp_path):
    return MemorySnapshots() if request.param == "memory" else DiskSnapshots(tmp_path)


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_snapshot_gives_every_tensor_back_bit_for_bit(snapshots, oracle, dtype):
    model = oracle.model("source", dtype)
    before = state(model)
    snapshots.save("a", model)
    other = oracle.model("target", dtype)
    snapshots.load_into("a", other)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())
    for tensor in other.state_dict().values():
        tensor.zero_()
    snapshots.load_into("a", model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_last_save_of_a_name_counts(snapshots, oracle):
    snapshots.save("a", oracle.model("source"))
    snapshots.save("a", oracle.model("target"))
    model = oracle.model("source")
    snapshots.load_into("a", model)
    assert torch.equal(model.fc.weight, oracle.model("target").fc.weight)


def test_a_snapshot_of_something_else_is_refused(snapshots, oracle):
    model = oracle.model("target")
    with pytest.raises(InvalidSnapshot, match="absent"):
        snapshots.load_into("absent", model)
    snapshots.save("other", oracle.model("source", torch.float32))
    with pytest.raises(InvalidSnapshot, match=r"conv1\.weight"):
        snapshots.load_into("other", model)
    snapshots.save("small", nn.Sequential())
    with pytest.raises(InvalidSnapshot, match="0 tensors"):
        snapshots.load_into("small", model)
    assert torch.equal(model.fc.weight, oracle.model("target").fc.weight)


def test_a_module_is_put_back_when_something_fails(snapshots, oracle):
    model = oracle.model("target")
    snapshots.save("a", model)

    def spoil():
        with restored_on_error("a", model, snapshots):
            model.fc.weight.data.zero_()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        spoil()
    assert torch.equal(model.fc.weight, oracle.model("target").fc.weight)
