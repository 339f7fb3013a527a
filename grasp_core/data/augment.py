"""Random views of photographs for source training; small drawings such as the digits go without."""

import torch
from torch import Tensor
from torch.nn import functional

from grasp_core.data.samples import Augment

LARGER = 256 / 224  # than the crop
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
GREY = YIQ[0]


def photographs(*, height: int, width: int) -> Augment:
    """Make the paper's augmentation: enlarge by 256 / 224, crop at random, flip, jitter colours.

    Each image of a batch gets its own view, from torch's global random numbers.
    Source: GRASP, arXiv:2606.14900, source training.
    """
    from torchvision.transforms import v2

    larger = [round(side * LARGER) for side in (height, width)]
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


def photographs_at_once(*, height: int, width: int) -> Augment:
    """Make the same augmentation for whole batches, on the device that they lie on.

    Each image gets its own view, drawn from torch's global random numbers on the CPU. Enlarging, cropping and
    flipping are one sampling of the batch; the colours are one matrix per image, hue as a turn about the axis
    of greys (YIQ), which is cheaper than HSV and cuts values off once, at the end.
    Source: GRASP, arXiv:2606.14900, source training; YIQ: ITU-R BT.601's weights of grey.
    """

    def augment(images: Tensor) -> Tensor:
        seen = _cropped(images, height=height, width=width)
        return _coloured(seen).clamp_(0, 1) if images.shape[1] == 3 else seen

    return augment


def _cropped(images: Tensor, *, height: int, width: int) -> Tensor:
    """Enlarge each image, crop it at a whole pixel, flip half of them."""
    count = len(images)
    rows = []
    for side in (width, height):
        larger = round(side * LARGER)
        offset = torch.randint(0, larger - side + 1, (count,))
        rows.append((torch.full((count,), side / larger), (side + 2 * offset) / larger - 1))
    (across, x), (down, y) = rows
    across = across * (1 - 2 * torch.randint(0, 2, (count,)))
    none = torch.zeros(count)
    window = torch.stack([across, none, x, none, down, y], dim=1).view(count, 2, 3)
    window = window.to(images.device, images.dtype, non_blocking=True)
    grid = functional.affine_grid(window, [count, images.shape[1], height, width], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _coloured(images: Tensor) -> Tensor:
    """Change brightness, contrast, saturation and hue of each image by its own amounts."""
    count = len(images)
    bright, contrast, colourful = (torch.empty(count).uniform_(0.8, 1.2) for _ in range(3))
    turn = torch.empty(count).uniform_(-0.1, 0.1) * (2 * torch.pi)
    saturated = torch.lerp(GREY.expand(3, 3), torch.eye(3), colourful.view(-1, 1, 1))
    matrix = _turned(turn) @ saturated * (bright * contrast).view(-1, 1, 1)
    matrix, rest, weights = (
        each.to(images.device, images.dtype, non_blocking=True)
        for each in (matrix, bright * (1 - contrast), GREY)
    )
    pixels = images.reshape(count, 3, -1)
    grey = torch.einsum("c,ncp->n", weights, pixels) / pixels.shape[2]
    return torch.baddbmm((rest * grey).view(-1, 1, 1), matrix, pixels).view(images.shape)


def _turned(angle: Tensor) -> Tensor:
    """Give the N x 3 x 3 matrices that turn colours about the axis of greys."""
    turn = torch.eye(3).repeat(len(angle), 1, 1)
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 1, 2], turn[:, 2, 1] = -angle.sin(), angle.sin()
    turned: Tensor = torch.linalg.inv(YIQ) @ turn @ YIQ
    return turned
