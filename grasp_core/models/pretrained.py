"""Networks with the weights that their makers trained on ImageNet, where this machine can get them."""

from collections.abc import Callable

from torch import nn

from grasp_core.errors import InvalidConfig, PretrainedUnavailable
from grasp_core.models.architectures import build, replace_stem


def build_pretrained(architecture: str, *, in_channels: int, num_classes: int) -> nn.Module:
    """Build a registered network with its maker's weights and a new head; see build for the rest.

    The weights come from torch's or timm's cache, or over the network. What the head, and for other than
    three channels the first convolution, have instead comes from torch's global random numbers (timm sums
    or repeats the first convolution's). Nothing in this project needs these weights.
    Raises PretrainedUnavailable when they cannot be had, UnknownArchitecture, InvalidConfig.
    """
    build(architecture, in_channels=in_channels, num_classes=num_classes)  # refuses what it does not know
    family, _, name = architecture.partition("/")
    if family not in _FAMILIES:
        raise InvalidConfig(f"{architecture}: has no pretrained weights, needs none; nothing was built")
    try:
        return _FAMILIES[family](name, in_channels, num_classes)
    except (OSError, RuntimeError) as error:
        raise PretrainedUnavailable(
            f"{architecture}: its pretrained weights cannot be had ({error}); needs the network or a filled "
            "cache, or build without them; nothing was built"
        ) from error


def _timm(name: str, in_channels: int, num_classes: int) -> nn.Module:
    import timm

    model: nn.Module = timm.create_model(name, pretrained=True, in_chans=in_channels, num_classes=num_classes)
    return model


def _torchvision(name: str, in_channels: int, num_classes: int) -> nn.Module:
    from torchvision import models

    model: nn.Module = models.get_model(name, weights="DEFAULT")
    path, head = [(path, m) for path, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    parent, _, attribute = path.rpartition(".")
    setattr(model.get_submodule(parent), attribute, nn.Linear(head.in_features, num_classes))
    if in_channels != 3:
        replace_stem(model, in_channels)
    return model


_FAMILIES: dict[str, Callable[[str, int, int], nn.Module]] = {"timm": _timm, "torchvision": _torchvision}
