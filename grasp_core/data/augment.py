"""Random views of photographs for source training; small drawings such as the digits go without."""

import torch
from torch import Tensor

from grasp_core.data.samples import Augment


def photographs(*, height: int, width: int) -> Augment:
    """Make the paper's augmentation: enlarge by 256 / 224, crop at random, flip, jitter colours.

    Each image of a batch gets its own view, from torch's global random numbers.
    Source: GRASP, arXiv:2606.14900, source training.
    """
    from torchvision.transforms import v2

    larger = [round(side * 256 / 224) for side in (height, width)]
    view = v2.Compose(
        [
            v2.Resize(larger, antialias=True),
            v2.RandomCrop((height, width)),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1),
        ]
    )

    def augment(images: Tensor) -> Tensor:
        return torch.stack([view(image) for image in images])

    return augment
