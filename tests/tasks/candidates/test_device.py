"""Which device a worker's setting means."""

import pytest
import torch

from tasks.candidates.device import device_of
from tasks.errors import InvalidSettings


def test_a_device_that_is_here_is_taken():
    assert device_of("cpu") == torch.device("cpu")


def test_auto_takes_the_gpu_when_there_is_one():
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("setting", ["nonsense", "cuda:99"])
def test_a_device_that_is_not_here_is_a_wrong_setting(setting: str):
    with pytest.raises(InvalidSettings, match=f"GRASP_DEVICE is '{setting}': .+; needs auto, cpu or a GPU"):
        device_of(setting)
