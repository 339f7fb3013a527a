"""A disk that takes no more is nobody's fault: the error says so, and no half of a file is left."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tasks.errors import NoSpace
from tasks.weights.files import save_tensors


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A directory where the kernel takes files up to 64 KiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_weights_that_the_disk_does_not_take_are_not_saved_and_the_disk_is_named(small: Path):
    with pytest.raises(NoSpace, match=r"w\.safetensors: this machine's disk takes no file of this size"):
        save_tensors({"x": torch.zeros(100_000)}, small / "w.safetensors")
    assert list(small.iterdir()) == []
