"""The device that a worker computes on."""

import torch

from tasks.errors import InvalidSettings


def device_of(setting: str) -> torch.device:
    """Give the device to work on; "auto" takes the GPU when there is one.

    Raises InvalidSettings when this machine has no such device.
    """
    if setting == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(setting)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        raise InvalidSettings(
            f"GRASP_DEVICE is {setting!r}: {said}; needs auto, cpu or a GPU that is here"
        ) from error
    return device
