"""A network that cannot see the images is refused, with the size that it needs."""

import subprocess
import sys

import pytest
import torch

from grasp_core.errors import InvalidConfig, UnknownArchitecture
from grasp_core.models.sight import check_sight


def check(architecture: str, side: int, *, channels: int = 3) -> None:
    check_sight(architecture, in_channels=channels, num_classes=5, height=side, width=side)


@pytest.mark.parametrize(
    ("architecture", "side", "needed"),
    [
        ("timm/vit_tiny_patch16_224", 32, "needs such as 224 x 224, or take"),  # one size only
        (
            "torchvision/squeezenet1_1",
            16,
            "needs such as 32 x 32 or 64 x 64 or 96 x 96",
        ),
        ("timm/levit_128s", 64, "needs such as 224 x 224"),  # fails inside, at a sum of shapes
    ],
)
def test_images_that_a_network_cannot_see_are_refused_with_a_size_that_it_can(
    architecture: str, side: int, needed: str
):
    with pytest.raises(InvalidConfig, match=f"cannot see images of {side} x {side} pixels") as refused:
        check(architecture, side)
    assert needed in str(refused.value)
    check(architecture, 224)


@pytest.mark.parametrize("architecture", ["grasp/digits-cnn", "timm/mobilevit_xxs", "torchvision/resnet18"])
def test_networks_without_a_fixed_size_see_small_images(architecture: str):
    check(architecture, 32)


def test_torchs_random_numbers_end_as_they_were():
    before = torch.random.get_rng_state()
    check("grasp/digits-cnn", 8, channels=1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_unknown_network_is_said_to_be_unknown():
    with pytest.raises(UnknownArchitecture):
        check("timm/nobody", 32)


@pytest.mark.slow
def test_no_memory_is_taken_for_what_the_network_would_compute():
    """The digits' network at 4,096 pixels computes 1 GiB in its first convolution alone."""
    code = (
        "import resource\n"
        "from grasp_core.models.sight import check_sight\n"
        "check_sight('grasp/digits-cnn', in_channels=1, num_classes=5, height=64, width=64)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "check_sight('grasp/digits-cnn', in_channels=1, num_classes=5, height=4096, width=4096)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    grown_kib = int(subprocess.check_output([sys.executable, "-c", code], text=True))
    assert grown_kib < 200 * 1024
