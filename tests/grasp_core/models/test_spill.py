"""Sums that wait on disk come back as they would have been in memory."""

import pytest
import torch

from grasp_core.models.spill import Spill

VALUES = [
    torch.rand(3, 4),
    torch.rand(2, 3, 5, 5).to(memory_format=torch.channels_last),
    torch.tensor(2.5),
    torch.rand(7).to(torch.bfloat16),
    torch.tensor([-1, 0, 1], dtype=torch.int8),
    torch.empty(0, 3),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{value.dtype} {tuple(value.shape)}")
def test_a_sum_is_the_same_to_the_last_bit(value):
    with Spill() as spill:
        spill.add("before", torch.rand(5))
        spill.add("a", value)
        spill.add("after", torch.rand(5))
        assert torch.equal(spill.read("a"), value)
        spill.add("a", value)
        spill.add("a", value)
        assert torch.equal(spill.read("a"), value + value + value)
        assert "a" in spill
        assert "b" not in spill


def test_what_was_read_may_be_overwritten():
    with Spill() as spill:
        spill.add("a", torch.ones(3))
        spill.read("a").zero_()
        assert torch.equal(spill.read("a"), torch.ones(3))
