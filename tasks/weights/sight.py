"""Hold the images of a target or a source against its network, before anything is created or sent."""

from functools import lru_cache

from grasp_core.models.sight import check_sight
from tasks.contracts.base import Architecture, InputSpec


@lru_cache(maxsize=16)
def check_seen(architecture: Architecture, images: InputSpec) -> None:
    """Raise InvalidConfig when the network cannot see such images, UnknownArchitecture when there is none."""
    check_sight(
        architecture.id,
        in_channels=architecture.in_channels,
        num_classes=architecture.num_classes,
        height=images.height,
        width=images.width,
    )
