"""How a worker computes, not what: every lever that trades exact bits or memory for time."""

from dataclasses import dataclass, replace

import torch

# gradient passes from which compiling a training pays for itself on a GPU; docs/performance.md
COMPILE_FROM = 600_000
REAL_SIZE = 64  # pixels; smaller images are over before any lever pays


@dataclass(frozen=True, kw_only=True, slots=True)
class Levers:
    """All off computes as published, bit for bit as without levers.

    channels_last, bf16 (autocast), compile_from and benchmark change the last bits of what is computed; the
    others do not on a CPU.
    """

    channels_last: bool = False  # convolutions on N x H x W x C
    bf16: bool = False  # autocast of training and of what the core chooses by; gate and test stay in float32
    compile_from: int | None = None  # gradient passes from which a training is compiled; 0: always
    benchmark: bool = False  # cuDNN tries its convolutions on the first batch
    deterministic: bool = False  # kernels that give the same bits each time, or none
    on_device: bool = False  # uint8 goes to the device and is normalised there
    ahead: int = 0  # batches that a thread prepares in advance, pinned where the device is a GPU
    evaluation_batch: int = 0  # images per batch without gradients; at least the batch of training
    keep_memory: bool = False  # the C library keeps freed memory for the next step

    @property
    def exact(self) -> "Levers":
        """Leave out what changes bits on a CPU: for the reference mode."""
        return replace(self, channels_last=False, bf16=False, compile_from=None, benchmark=False)

    @property
    def name(self) -> str:
        """Name the levers that change bits, as they are recorded; empty when none is on."""
        flags = ("channels_last", "bf16", "deterministic")
        return " ".join(flag for flag in flags if getattr(self, flag))


OFF = Levers()


def measured(device: torch.device, *, side: int) -> Levers:
    """Give the levers that pay on a device for images of so many pixels a side.

    Source: measured, docs/performance.md.
    """
    if side < REAL_SIZE:
        return OFF
    if device.type == "cuda":
        return Levers(
            channels_last=True,
            bf16=True,
            compile_from=COMPILE_FROM,
            on_device=True,
            ahead=2,
            evaluation_batch=256,
        )
    return Levers(channels_last=True, keep_memory=True) if device.type == "cpu" else OFF


def named(text: str) -> Levers:
    """Read back what was recorded as a name."""
    words = set(text.split())
    return Levers(
        channels_last="channels_last" in words, bf16="bf16" in words, deterministic="deterministic" in words
    )
