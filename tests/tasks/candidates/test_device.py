"""Which device a worker's setting means."""

from types import SimpleNamespace

import pytest
import torch

from grasp_core.levers import OFF, Levers, measured
from tasks.candidates.device import check_devices, computing, device_of, levers_for
from tasks.candidates.gpu import GpuWatch
from tasks.contracts.target import AbsorbSettings, Target
from tasks.errors import InvalidSettings
from tasks.hardware import HardwareSettings

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
EVERY = dict.fromkeys(("channels_last", "bf16", "compile", "benchmark", "on_device"), "on")


def target(mode: str = "guarded", side: int = 224) -> Target:
    size = {"height": side, "width": side, "channels": 3, "mean": (0.5,) * 3, "std": (0.5,) * 3}
    return Target.model_validate(
        {
            "name": "photos",
            "series": ("photos",),
            "architecture": {"id": "torchvision/resnet50", "in_channels": 3, "num_classes": 2},
            "classes": ("a", "b"),
            "input": size,
            "dataset": f"datasets/photos/{'0' * 64}/dataset.json",
            "absorb": AbsorbSettings(mode=mode),
        }
    )


def test_a_device_that_is_here_is_taken():
    assert device_of("cpu") == torch.device("cpu")


def test_auto_takes_the_gpu_when_there_is_one():
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("setting", ["nonsense", "cuda:99", "meta", "cuda:x"])
def test_a_device_that_is_not_here_is_a_wrong_setting(setting: str):
    with pytest.raises(InvalidSettings, match=f"GRASP_DEVICE is '{setting}': .+; needs auto, cpu or a GPU"):
        device_of(setting)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps"])
def test_more_devices_than_a_worker_has_are_refused(device: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    many = target().model_copy(update={"devices": 2})
    with pytest.raises(InvalidSettings, match=f"devices is 2, this worker has 1 .GRASP_DEVICE is {device};"):
        check_devices(many, torch.device(device))


def test_as_many_devices_as_there_are_and_processes_of_a_cpu_are_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    many = target().model_copy(update={"devices": 2})
    check_devices(many, CUDA)
    check_devices(many, CPU)
    check_devices(target(), torch.device("mps"))


def test_where_nothing_is_set_a_worker_takes_what_was_measured_to_pay():
    settings = HardwareSettings()
    assert levers_for(settings, target(), CUDA) == measured(CUDA, side=224)
    assert levers_for(settings, target(side=8), CUDA) == OFF


def test_each_lever_is_set_by_itself():
    settings = HardwareSettings(**EVERY, ahead=3, evaluation_batch=64, deterministic=True)
    assert levers_for(settings, target(side=8), CPU) == Levers(
        channels_last=True,
        bf16=True,
        compile_from=0,
        benchmark=True,
        deterministic=True,
        on_device=True,
        ahead=3,
        evaluation_batch=64,
    )
    off = HardwareSettings(**dict.fromkeys(EVERY, "off"), ahead=0, evaluation_batch=0)
    assert levers_for(off, target(), CUDA) == OFF


def test_no_setting_changes_the_bits_of_the_reference_mode():
    levers = levers_for(HardwareSettings(**EVERY, ahead=2), target("reference"), CPU)
    assert levers == Levers(on_device=True, ahead=2, keep_memory=True)


def test_deterministic_kernels_are_asked_for_while_an_absorb_computes(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with computing(Levers(deterministic=True)):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_figures_of_a_gpu_are_means_of_what_flows_and_the_most_of_what_fills():
    watch = GpuWatch(CPU)
    watch._nvml, watch._card = Nvml(), "card"
    for _ in range(2):
        watch.look()
    assert watch.figures() == {
        "utilization_percent": 85.0,
        "memory_bytes": 2e9,
        "power_w": 350.0,
        "temperature_c": 62.0,
    }


def test_a_machine_without_figures_of_a_gpu_shows_none():
    watch = GpuWatch(CPU)
    watch.look()
    assert watch.figures() == {}


class Nvml:
    """Says of a card more with every look."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self) -> None:
        self._looks = 0

    def nvmlDeviceGetUtilizationRates(self, card):
        self._looks += 1
        return SimpleNamespace(gpu=70 + 10 * self._looks)

    def nvmlDeviceGetMemoryInfo(self, card):
        return SimpleNamespace(used=int(1e9) * self._looks)

    def nvmlDeviceGetPowerUsage(self, card):
        return 200_000 + 100_000 * self._looks

    def nvmlDeviceGetTemperature(self, card, _kind):
        return 60 + self._looks
