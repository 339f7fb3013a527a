"""Views of a whole batch at once are those of one image after the other."""

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from grasp_core.data import augment
from grasp_core.data.augment import photographs_at_once


def photographs(count: int, *, side: int = 56):
    torch.manual_seed(1)
    coarse = torch.rand(count, 3, 7, 7)
    return torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear").clamp(0, 1)


def test_a_crop_is_one_of_the_enlarged_image_at_a_whole_pixel():
    image = photographs(1)
    torch.manual_seed(5)
    seen = augment._cropped(image, height=56, width=56)
    larger = v2.Resize([64, 64], antialias=True)(image)
    crops = [
        crop if flip == 0 else crop.flip(-1)
        for top in range(9)
        for left in range(9)
        for flip in (0, 1)
        for crop in [larger[..., top : top + 56, left : left + 56]]
    ]
    assert min(float((seen - crop).abs().max()) for crop in crops) < 1e-4


def test_colours_without_a_turn_are_those_of_the_library(monkeypatch):
    image = photographs(1)
    drawn = iter([1.1, 0.9, 1.15, 0.0])
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda self, *_: self.fill_(next(drawn)))
    seen = augment._coloured(image)
    expected = functional.adjust_brightness(image * 0.5, 1.1)  # too dark for any value to be cut off
    expected = functional.adjust_saturation(functional.adjust_contrast(expected, 0.9), 1.15)
    assert torch.allclose(seen * 0.5, expected, atol=2e-3)


def test_a_turn_of_hue_keeps_greys_and_brightness():
    turn = augment._turned(torch.tensor([0.5]))
    grey = torch.full((3, 1), 0.4)
    assert torch.allclose(turn[0] @ grey, grey, atol=1e-3)
    assert torch.allclose(augment.GREY @ turn[0], augment.GREY, atol=1e-3)


def test_each_image_has_a_view_of_its_own_and_a_seed_repeats_them():
    images = photographs(1).expand(4, 3, 56, 56).contiguous()
    view = photographs_at_once(height=56, width=56)
    torch.manual_seed(2)
    first = view(images)
    torch.manual_seed(2)
    assert torch.equal(first, view(images))
    assert first.shape == images.shape
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first[0], first[1])


def test_grey_images_are_cropped_and_keep_their_values():
    view = photographs_at_once(height=28, width=28)
    assert torch.allclose(view(torch.full((3, 1, 28, 28), 0.3)), torch.full((3, 1, 28, 28), 0.3))
