import copy

import pytest
import torch

from grasp_core.absorb import absorb
from grasp_core.alignment import align
from grasp_core.config import AbsorbConfig
from grasp_core.models.architectures import build
from grasp_core.models.snapshots import DiskSnapshots

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def network(seed):
    torch.manual_seed(seed)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


@pytest.mark.parametrize("count", [1, 2])
def test_scores_on_cuda_are_those_of_the_cpu(target_data, count):
    batches = list(target_data.train)[:count]
    expected = align(network(1).double(), network(2).double(), batches)
    scores = align(network(1).double().cuda(), network(2).double().cuda(), batches)
    assert scores == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("mode", ["guarded", "reference"])
def test_an_absorb_on_cuda_leaves_the_target_there(target_data, tmp_path, mode):
    target, source = network(1).cuda(), network(2).cuda()
    absorbed = absorb(
        target,
        lambda: copy.deepcopy(source),
        target_data,
        config=AbsorbConfig(mode=mode, lr=1e-2),
        snapshots=DiskSnapshots(tmp_path),
    )
    assert absorbed.after_transfer.samples == 15
    assert all(p.is_cuda for p in target.parameters())
