import pytest
import torch

from benchmarks.negative_transfer.outcomes import outcomes
from tasks.contracts.target import GateSettings


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_harmful_source_never_takes_the_champion_below_the_margin(seed):
    torch.set_num_threads(1)
    found = outcomes(seed, mode="guarded")
    assert [outcome.source for outcome in found] == ["wrong_labels", "other_task", "noise"]
    assert all(outcome.gate_change >= -100 * GateSettings().margin - 1e-9 for outcome in found)
    assert all(outcome.gate_change == 0 for outcome in found if not outcome.promoted)
