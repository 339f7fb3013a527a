import gc
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from grasp_core.absorb import begin
from grasp_core.data import digits
from grasp_core.data.target import TargetData
from grasp_core.models.snapshots import MemorySnapshots
from tests.grasp_core.absorbing import config, network

NORM = ["weight", "bias", "running_mean", "running_var"]
ORDER = [
    *("conv1.weight", "conv1.bias", *(f"bn1.{name}" for name in NORM)),
    *("conv2.weight", "conv2.bias", *(f"bn2.{name}" for name in NORM)),
    *("fc.weight", "fc.bias"),
]
SCALE = {"conv1.weight": 0.35, "conv2.weight": 0.2, "fc.weight": 0.5, "fc.bias": 0.1}
PHASE = {"source": 0.0, "target": 1.0}


@pytest.fixture(autouse=True)
def _one_thread():
    """Cores are shared, and bitwise equality is promised per thread count."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def no_collector():
    """Objects die by their last reference alone, so that a cycle shows."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def oracle():
    """The network, the inputs and the expected figures of oracle-reference.json."""
    expected = json.loads((Path(__file__).parent / "oracle-reference.json").read_text())["expected"]
    return SimpleNamespace(model=_model, batch=_batch, expected=expected)


@pytest.fixture(scope="session")
def target_data():
    """Sixty labelled digits at time 1, fifteen of them for validation."""
    splits = digits.target(budget=60, strength=1.0, seed=3)
    return TargetData(splits.train.samples(), splits.val.samples())


@pytest.fixture(scope="session")
def grown(target_data):
    """A stem that has learned something, for a source to meet."""
    snapshots = MemorySnapshots()
    model = network(1)
    begin(model, lambda: network(1), target_data, config=config("reference"), snapshots=snapshots)
    return model


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu()
        x = self.bn2(self.conv2(x)).relu()
        return self.fc(x.mean(dim=(2, 3)))


def _model(role: str, dtype: torch.dtype = torch.float64) -> Tiny:
    tiny = Tiny().double()
    state = tiny.state_dict()
    for number, name in enumerate(ORDER, start=1):
        if name in state:
            i = torch.arange(1, state[name].numel() + 1, dtype=torch.float64)
            s = torch.sin(0.7 * i + 1.3 * number + PHASE[role]).reshape(state[name].shape)
            state[name].copy_(_scaled(name, s))
    return tiny.to(dtype)


def _scaled(name: str, s: Tensor) -> Tensor:
    if name in SCALE:
        return SCALE[name] * s
    kind = name.partition(".")[2]
    norm = {"weight": (1, 0.1), "bias": (0, 0.05), "running_mean": (0, 0.1), "running_var": (1, 0.2)}
    return norm[kind][0] + norm[kind][1] * s


def _batch(b: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    i = torch.arange(1, 8 * 3 * 10 * 10 + 1, dtype=torch.float64)
    x = torch.sin(0.05 * i + 0.9 * b) + 0.5 * torch.cos(0.011 * i * (1 + b))
    labels = torch.tensor([(3 * n + b) % 5 for n in range(8)])
    return x.reshape(8, 3, 10, 10).to(dtype), labels
