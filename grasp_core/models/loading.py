"""Give a network back from its tensors, wherever they were kept."""

from collections.abc import Mapping

from torch import Tensor, nn

from grasp_core.errors import IncompatibleSource
from grasp_core.models.architectures import build


def load(
    architecture: str, tensors: Mapping[str, Tensor], *, in_channels: int, num_classes: int
) -> nn.Module:
    """Build a network and fill it with tensors, exactly those of its state_dict; it comes in eval mode.

    The tensors are copied, converted to the network's dtypes.
    Raises UnknownArchitecture, InvalidConfig, and IncompatibleSource when names or shapes differ.
    """
    module = build(architecture, in_channels=in_channels, num_classes=num_classes)
    try:
        module.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        raise IncompatibleSource(f"{architecture}: {error}; nothing was loaded") from error
    return module.eval()
