"""The device that a worker computes on."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from grasp_core.levers import Levers, measured
from grasp_core.models.equip import kernels
from tasks.contracts.target import Target
from tasks.errors import InvalidSettings
from tasks.hardware import HardwareSettings, Switch

_DEVICE = re.compile(r"cpu|cuda(:\d+)?|mps")


def device_of(setting: str) -> torch.device:
    """Give the device to work on; "auto" takes the GPU when there is one.

    Raises InvalidSettings when this machine has no such device.
    """
    if setting == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        if not _DEVICE.fullmatch(setting):
            raise RuntimeError("no such kind of device")
        device = torch.device(setting)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        raise InvalidSettings(
            f"GRASP_DEVICE is {setting!r}: {said}; needs auto, cpu or a GPU that is here"
        ) from error
    return device


def check_devices(target: Target, device: torch.device) -> None:
    """Raise InvalidSettings when a target asks for more devices than this worker may use."""
    needed = target.devices or 1
    if needed == 1 or device.type == "cpu":
        return
    seen = torch.cuda.device_count() if device == torch.device("cuda") else 1
    if seen < needed:
        raise InvalidSettings(
            f"target {target.name}: devices is {needed}, this worker has {seen} (GRASP_DEVICE is {device}; "
            "CUDA_VISIBLE_DEVICES counts, too); needs as many, so start it where they are, or "
            f"grasp target set {target.name} devices={seen}; nothing was absorbed"
        )


def levers_for(settings: HardwareSettings, target: Target, device: torch.device) -> Levers:
    """Give the levers for a target on a device: where a setting is auto, what was measured to pay.

    The reference mode has none that changes bits on a CPU, whatever the settings say.
    """
    auto = measured(device, side=min(target.input.height, target.input.width))
    compiles = {"auto": auto.compile_from, "on": 0, "off": None}
    levers = Levers(
        channels_last=_is_on(settings.channels_last, auto=auto.channels_last),
        bf16=_is_on(settings.bf16, auto=auto.bf16),
        compile_from=compiles[settings.compile],
        benchmark=_is_on(settings.benchmark, auto=auto.benchmark),
        deterministic=settings.deterministic,
        on_device=_is_on(settings.on_device, auto=auto.on_device),
        keep_memory=_is_on(settings.keep_memory, auto=auto.keep_memory),
        ahead=auto.ahead if settings.ahead == "auto" else settings.ahead,
        evaluation_batch=(
            auto.evaluation_batch if settings.evaluation_batch == "auto" else settings.evaluation_batch
        ),
    )
    return levers.exact if target.absorb.mode == "reference" else levers


@contextmanager
def computing(levers: Levers) -> Iterator[None]:
    """Let torch use the kernels and the memory that the levers ask for, for a while."""
    if levers.deterministic:  # cuBLAS reads it when it is first used
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with kernels(levers):
        yield


def _is_on(switch: Switch, *, auto: bool) -> bool:
    return auto if switch == "auto" else switch == "on"
