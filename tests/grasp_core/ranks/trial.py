"""What ranks and one process compute alike: `python -m tests.grasp_core.ranks.trial DIR RANK WORLD`."""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.nn import functional

from grasp_core.absorb import absorb
from grasp_core.alignment import align
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.errors import NonFiniteLoss
from grasp_core.models.architectures import build
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import evaluate, judge
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.ranks.share import sharing
from grasp_core.ranks.world import add_up, agree, as_first, greatest, rank
from grasp_core.transfer import select
from tests.grasp_core.absorbing import config

CPU = torch.device("cpu")


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def data() -> TargetData:
    """Noisy patterns, an odd number of them: shares and batches are uneven."""
    draw = torch.Generator().manual_seed(3)
    labels = torch.arange(61) % 10
    patterns = torch.rand(10, 1, 8, 8, generator=draw)
    images = patterns[labels] + 0.3 * torch.randn(61, 1, 8, 8, generator=draw)
    return TargetData(Samples(images[:46], labels[:46]), Samples(images[46:], labels[46:]))


def bits(model: nn.Module) -> list[float]:
    return [float(t.double().sum()) for t in model.state_dict().values()]


def absorbed(mode: str) -> dict[str, Any]:
    target, source = network(1), network(2)
    report = absorb(
        target,
        lambda: copy.deepcopy(source),
        data(),
        config=config(mode, epochs=2, batch_size=9),
        snapshots=MemorySnapshots(),
    )
    return {
        "choice": report.choice,
        "alpha": report.alpha,
        "scores": dict(report.scores),
        "scalars": report.scalars_transferred,
        "passes": report.gradient_passes,
        "losses": [epoch.train_loss for epoch in report.epochs],
        "after": report.after_fine_tune.loss,
        "accuracy": report.after_fine_tune.accuracy,
        "transferred": sorted(select(report.scores, threshold=0.3)),
        "weights": bits(target),
    }


def doubled() -> dict[str, float]:
    """Scores without the rounding of float32, which both ways differ by."""
    batches = [(images.double(), labels) for images, labels in data().train.batches(9)]
    return align(network(2).double(), network(1).double(), batches)


def normed(rows: int) -> dict[str, Any]:
    """Batch norm forward and backward over a batch, added up: its part of the gradients, its statistics."""
    torch.manual_seed(5)
    images, labels = torch.randn(rows, 3, 4, 4) * 3 + 100, torch.arange(rows)
    layer = nn.BatchNorm2d(3)
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2)
        layer.bias.uniform_(-1, 1)
    images.requires_grad_()
    with sharing((images, labels)) as part:
        loss = (layer(part.batch[0]).sin() * (part.batch[1] + 1).view(-1, 1, 1, 1)).sum() * part.of_sum
    loss.backward()
    total = loss.detach().clone()
    add_up(total, images.grad, layer.weight.grad, layer.bias.grad)
    return {
        "loss": float(total),
        "inputs": images.grad.flatten().tolist(),
        "weight": layer.weight.grad.tolist(),
        "bias": layer.bias.grad.tolist(),
        "statistics": [*layer.running_mean.tolist(), *layer.running_var.tolist()],
    }


def told() -> dict[str, Any]:
    number = rank() + 1
    parted = torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    add_up(parted)
    model = network(number)
    agree(model)
    return {
        "channels_last": parted.flatten().tolist(),
        "greatest": greatest(number, device=CPU),
        "as_first": as_first([number], device=CPU),
        "agreed": bits(model),
    }


def broken() -> str:
    model = network(1)
    with torch.no_grad():
        model.head.bias[0] = float("nan")
    try:
        evaluate(model, data().val)
    except NonFiniteLoss as error:
        return str(error)
    return "none"


def results() -> dict[str, Any]:
    torch.set_num_threads(1)
    calibrated = network(1)
    recalibrate(calibrated, data().train)
    scaled = functional.batch_norm(torch.ones(2, 3), torch.zeros(3), torch.ones(3))
    measured = evaluate(network(1), data().val.batches(4))
    return {
        "guarded": absorbed("guarded"),
        "reference": absorbed("reference"),
        "doubled": doubled(),
        "normed": normed(7),
        "one row": normed(1),
        "recalibrated": bits(calibrated),
        "evaluated": [
            measured.loss,
            measured.accuracy,
            measured.confusion,
            judge(network(1), data().val.batches(4)).tempered,
        ],
        "few batches": evaluate(network(1), [next(iter(data().val))]).loss,
        "outside": scaled.tolist(),
        "told": told(),
        "broken": broken(),
    }


def main(directory: str, number: str, size: str) -> None:
    distributed.init_process_group(
        "gloo", init_method=f"file://{directory}/store", rank=int(number), world_size=int(size)
    )
    Path(directory, f"{number}.json").write_text(json.dumps(results()))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
