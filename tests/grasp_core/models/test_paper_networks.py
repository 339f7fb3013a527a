"""One step of everything with the networks of the paper, at 64 pixels."""

import weakref

import pytest
import torch

from grasp_core.absorb import absorb
from grasp_core.config import AbsorbConfig
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.models.architectures import build
from grasp_core.models.snapshots import DiskSnapshots

NETWORKS = [
    "timm/mobilevit_xxs",
    "timm/mobilevit_xs",
    "torchvision/efficientnet_b1",
    "torchvision/resnet50",
]


@pytest.fixture(scope="module")
def photographs():
    torch.manual_seed(0)
    images, labels = torch.rand(6, 3, 64, 64), torch.tensor([0, 1, 2, 0, 1, 2])
    return TargetData(Samples(images[:4], labels[:4]), Samples(images[4:], labels[4:]))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("mode", ["guarded", "reference"])
@pytest.mark.usefixtures("no_collector")
def test_a_network_of_the_paper_absorbs_a_source(photographs, tmp_path, architecture, mode):
    def network(seed):
        torch.manual_seed(seed)
        return build(architecture, in_channels=3, num_classes=3)

    gone = []

    def load():
        source = network(1)
        gone.append(weakref.ref(source))
        return source

    config = AbsorbConfig(mode=mode, folds=2, epochs=1, alphas=(0.0, 0.5), threshold=0.0)
    target = network(2)
    absorbed = absorb(target, load, photographs, config=config, snapshots=DiskSnapshots(tmp_path))
    assert gone[0]() is None
    assert absorbed.scores.keys() == dict(target.named_parameters()).keys()
    assert all(torch.isfinite(tensor).all() for tensor in target.state_dict().values())
    assert absorbed.scalars_total == sum(p.numel() for p in target.parameters())
