import pytest
import timm
import torch
from torch import nn
from torchvision import models

from grasp_core.errors import InvalidConfig, PretrainedUnavailable, UnknownArchitecture
from grasp_core.models.pretrained import build_pretrained


@pytest.fixture
def trained(monkeypatch):
    """A maker's weights, without the download: every parameter is 0.01 as it comes from the library."""
    make = models.get_model

    def get_model(name, *, weights, **options):
        model = make(name, weights=None, **options)
        if weights == "DEFAULT":
            for parameter in model.parameters():
                nn.init.constant_(parameter, 0.01)
        return model

    monkeypatch.setattr(models, "get_model", get_model)


@pytest.mark.usefixtures("trained")
def test_pretrained_weights_stay_and_only_the_head_is_new():
    model = build_pretrained("torchvision/resnet50", in_channels=3, num_classes=7)
    assert model.fc.weight.shape == (7, 2048)
    assert all((p == 0.01).all() for name, p in model.named_parameters() if not name.startswith("fc."))
    assert not (model.fc.weight == 0.01).all()


@pytest.mark.usefixtures("trained")
def test_other_channels_get_a_new_first_convolution():
    model = build_pretrained("torchvision/efficientnet_b1", in_channels=1, num_classes=2).eval()
    assert model(torch.zeros(1, 1, 64, 64)).shape == (1, 2)


def test_weights_that_cannot_be_had_are_a_transient_error_that_says_what_to_do(monkeypatch):
    def offline(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", lambda *a, **o: offline() if o["pretrained"] else nn.Identity())
    with pytest.raises(PretrainedUnavailable, match=r"no route to host.*build without them"):
        build_pretrained("timm/mobilevit_xxs", in_channels=3, num_classes=2)


@pytest.mark.parametrize(
    ("architecture", "error"), [("grasp/digits-cnn", InvalidConfig), ("timm/none", UnknownArchitecture)]
)
def test_networks_without_pretrained_weights_are_refused(architecture, error):
    with pytest.raises(error):
        build_pretrained(architecture, in_channels=3, num_classes=2)
