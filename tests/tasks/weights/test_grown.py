"""Files from before a class was added: they are loaded, and nothing else is let through."""

from pathlib import Path

import pytest
import torch

from tasks.contracts.base import Architecture, InputSpec
from tasks.errors import BadArrival, OperationRefused
from tasks.weights.files import new_module, save
from tasks.weights.grown import architecture_in, check_grows, load_grown, load_grown_into

NOW = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=11)
THEN = NOW.model_copy(update={"num_classes": 10})


def file_of(architecture: Architecture, directory: Path) -> Path:
    path = directory / "served.safetensors"
    save(new_module(architecture), path)
    return path


def test_a_file_of_fewer_classes_is_loaded_with_rows_for_all(tmp_path: Path):
    path = file_of(THEN, tmp_path)
    assert architecture_in(path, NOW) == THEN
    old, new = load_grown(path, THEN), load_grown(path, NOW)
    assert torch.equal(new.head.weight[:10], old.head.weight)
    torch.testing.assert_close(new.head.bias[10], old.head.bias.mean())
    into = new_module(NOW)
    load_grown_into(into, path, NOW)
    assert torch.equal(into.head.weight, new.head.weight)


def test_a_file_of_all_classes_is_loaded_bit_for_bit(tmp_path: Path):
    path = file_of(NOW, tmp_path)
    assert architecture_in(path, NOW) == NOW
    into = new_module(NOW)
    load_grown_into(into, path, NOW)
    assert torch.equal(into.head.weight, load_grown(path, NOW).head.weight)


def test_a_file_of_more_classes_is_refused(tmp_path: Path):
    path = file_of(NOW, tmp_path)
    assert architecture_in(path, THEN) == THEN
    with pytest.raises(BadArrival, match=r"head\.\w+ is \(11"):
        load_grown(path, THEN)


def test_a_network_whose_head_cannot_grow_is_refused_with_the_way_to_go():
    squeezenet = Architecture(id="torchvision/squeezenet1_1", in_channels=3, num_classes=3)
    images = InputSpec(height=32, width=32, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(OperationRefused, match=r"squeezenet1_1: it has no linear layer.*add-a-class"):
        check_grows(squeezenet, images)
