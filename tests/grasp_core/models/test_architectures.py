import pytest
import torch

from grasp_core.errors import InvalidConfig, UnknownArchitecture
from grasp_core.models.architectures import TESTED, build

COUNTS = {
    "timm/mobilevit_xxs": 1_272_024,
    "timm/mobilevit_xs": 2_317_848,
    "torchvision/efficientnet_b1": 7_794_184,
    "torchvision/resnet50": 25_557_032,
}


@pytest.mark.parametrize(("architecture", "count"), COUNTS.items())
def test_the_papers_networks_have_their_published_sizes(architecture, count):
    model = build(architecture, in_channels=3, num_classes=1000)
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize("architecture", TESTED)
@pytest.mark.parametrize("in_channels", [1, 4])
def test_any_number_of_channels_gives_logits(architecture, in_channels):
    model = build(architecture, in_channels=in_channels, num_classes=7).eval()
    with torch.no_grad():
        assert model(torch.zeros(2, in_channels, 64, 64)).shape == (2, 7)


def test_the_callers_seed_decides_the_weights():
    def weights():
        torch.manual_seed(5)
        return build("torchvision/resnet18", in_channels=1, num_classes=3).state_dict()

    ours, theirs = weights(), weights()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    "architecture",
    [
        "torchvision/resnet5",
        "timm/nothing",
        "grasp/other",
        "keras/resnet50",
        "resnet50",
        "timm/a.b",
        "timm/x\n",
    ],
)
def test_an_unknown_id_is_told_which_are_known(architecture):
    with pytest.raises(UnknownArchitecture, match="torchvision/resnet50"):
        build(architecture, in_channels=3, num_classes=10)


def test_a_network_without_classes_is_refused():
    with pytest.raises(InvalidConfig):
        build("grasp/digits-cnn", in_channels=1, num_classes=0)
