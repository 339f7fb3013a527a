"""What the steps of an absorb take, in seconds and bytes."""

import resource
import time
from collections.abc import Callable

import torch

from grasp_core.progress import Epoch, Step
from tasks.candidates.gpu import GpuWatch
from tasks.candidates.measure import Measured


class Steps:
    """Times the core's steps, and measures the target between transfer and fine-tune.

    on_epoch hears every epoch and may raise to stop the absorb.
    """

    def __init__(
        self,
        measure_target: Callable[[], Measured],
        on_epoch: Callable[[Epoch], None],
        *,
        device: torch.device,
    ) -> None:
        self._measure_target, self._on_epoch = measure_target, on_epoch
        self._watch = GpuWatch(device)
        self._name = "start"
        self._began_s = time.monotonic()
        self.after_transfer: Measured | None = None
        self.seconds: dict[str, float] = {}
        self.peak_bytes: dict[str, int] = {}

    def step(self, name: Step) -> None:
        """Close the step before, begin this one."""
        if name == "fine_tune":
            self.begin("measure")
            self.after_transfer = self._measure_target()
        self.begin(name)

    def epoch(self, epoch: Epoch) -> None:
        """Pass an epoch on."""
        self._watch.look()
        self._on_epoch(epoch)

    @property
    def gpu(self) -> dict[str, float]:
        """Give NVML's figures over the epochs."""
        return self._watch.figures()

    def begin(self, name: str) -> None:
        """Book the time since the last step, and the peak so far, under that step."""
        now_s = time.monotonic()
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now_s - self._began_s
        self.peak_bytes[self._name] = peak_bytes()
        self._name, self._began_s = name, now_s


def peak_bytes() -> int:
    """Give the greatest memory so far: of the GPU's allocator where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
