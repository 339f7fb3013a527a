"""What NVIDIA's management library says of a GPU while it works; nothing where it is not installed."""

import importlib
import logging
from statistics import mean
from typing import Any

import torch

log = logging.getLogger(__name__)


class GpuWatch:
    """Looks at a GPU now and then. Without the package nvidia-ml-py, or off a GPU, it sees nothing."""

    def __init__(self, device: torch.device) -> None:
        self._nvml: Any = None
        self._seen: list[dict[str, float]] = []
        if device.type == "cuda":
            self._open(torch.cuda.get_device_properties(device).uuid)

    def _open(self, uuid: object) -> None:
        try:
            self._nvml = importlib.import_module("pynvml")
            self._nvml.nvmlInit()
            self._card = self._nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        except Exception as error:  # not installed, no driver, not allowed: figures are a luxury
            log.info("no figures of the GPU: %s", error)
            self._nvml = None

    def look(self) -> None:
        """Note the figures of this moment."""
        if self._nvml is None:
            return
        nvml, card = self._nvml, self._card
        try:
            self._seen.append(
                {
                    "utilization_percent": float(nvml.nvmlDeviceGetUtilizationRates(card).gpu),
                    "memory_bytes": float(nvml.nvmlDeviceGetMemoryInfo(card).used),
                    "power_w": nvml.nvmlDeviceGetPowerUsage(card) / 1000,
                    "temperature_c": float(nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU)),
                }
            )
        except Exception as error:  # a card may not tell all of them
            log.info("no figures of the GPU: %s", error)
            self._nvml = None

    def figures(self) -> dict[str, float]:
        """Give means of utilisation and power, the most of memory and temperature."""
        if not self._seen:
            return {}
        columns = {name: [each[name] for each in self._seen] for name in self._seen[0]}
        rule = {"utilization_percent": mean, "power_w": mean}
        return {name: float(rule.get(name, max)(values)) for name, values in columns.items()}
