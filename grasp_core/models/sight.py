"""Which images a network can see: one zero image through it says so, before any source has to."""

import torch
from torch import nn

from grasp_core.errors import InvalidConfig
from grasp_core.models.architectures import build

SIDES = (
    8,
    16,
    32,
    64,
    96,
    112,
    128,
    160,
    192,
    224,
    240,
    256,
    288,
    299,
    320,
    336,
    384,
    448,
    512,
)  # usual ones
TOLD = 3  # of those that would do
META = "meta"  # torch's device of shapes without values: nothing is computed, no memory is taken


def check_sight(architecture: str, *, in_channels: int, num_classes: int, height: int, width: int) -> None:
    """Refuse images that a network cannot see: of another size than it needs, or too small for it.

    Takes no memory beyond the network's own; only a network that looks at values computes an image.
    Raises InvalidConfig that says which square images would do; UnknownArchitecture.
    """
    shapes = _built(architecture, in_channels, num_classes).to(META)
    if _what_fails(shapes, in_channels, num_classes, height, width) is None:
        return
    values = _built(architecture, in_channels, num_classes)
    wrong = _what_fails(values, in_channels, num_classes, height, width)
    if wrong is None:
        return
    fits = [side for side in SIDES if _what_fails(shapes, in_channels, num_classes, side, side) is None]
    sizes = " or ".join(f"{side} x {side}" for side in fits[:TOLD]) or "another size"
    raise InvalidConfig(
        f"{architecture}: cannot see images of {height} x {width} pixels ({wrong}); needs such as {sizes}, "
        "or take another architecture; nothing was done"
    )


def _built(architecture: str, in_channels: int, num_classes: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return build(architecture, in_channels=in_channels, num_classes=num_classes).eval()


def _what_fails(module: nn.Module, channels: int, classes: int, height: int, width: int) -> str | None:
    """Say why one image of this size gives no logits; None when it does."""
    device = next(module.parameters()).device
    try:
        with torch.inference_mode():
            logits = module(torch.zeros(1, channels, height, width, device=device))
    except Exception as error:  # each network refuses in its own way: AssertionError, RuntimeError and others
        return f"{type(error).__name__}: {(str(error).strip() or 'no word').splitlines()[0][:200]}"
    if isinstance(logits, torch.Tensor) and logits.shape == (1, classes):
        return None
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    return f"it gives {found} for one image, not {classes} logits"
