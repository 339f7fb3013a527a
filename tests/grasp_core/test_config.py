import dataclasses

import pytest

from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.errors import InvalidConfig


@pytest.mark.parametrize(
    "bad",
    [
        {"mode": "other"},
        {"folds": 0},
        {"threshold": 1.5},
        {"epochs": 0},
        {"initial_epochs": 0},
        {"lr": 0.0},
        {"batch_size": 0},
        {"alignment_batches": 0},
        {"fold_share": 0.0},
        {"alphas": (0.1,)},
        {"alphas": ()},
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(bad):
    with pytest.raises(InvalidConfig, match=next(iter(bad))):
        AbsorbConfig(**bad)


def test_configurations_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        AbsorbConfig().lr = 1.0
    with pytest.raises(InvalidConfig, match="selection"):
        FineTuneConfig(selection="best")
