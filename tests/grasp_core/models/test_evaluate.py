import pytest
import torch
from torch import nn
from torch.nn import functional

from grasp_core.errors import InvalidData, NonFiniteLoss
from grasp_core.models.evaluate import Metrics, evaluate, predict


class Fixed(nn.Module):
    """Shows the image itself as logits."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x.flatten(1)


LOGITS = torch.tensor([[3.0, 0, 0], [0, 2.0, 0], [1.0, 0, 0], [0, 0, 4.0]])
LABELS = torch.tensor([0, 1, 2, 2])
BATCHES = [(LOGITS[:3].view(3, 3, 1, 1), LABELS[:3]), (LOGITS[3:].view(1, 3, 1, 1), LABELS[3:])]


def test_metrics_weigh_samples_not_batches():
    loss = float(functional.cross_entropy(LOGITS, LABELS))
    metrics = evaluate(Fixed(), BATCHES)
    assert metrics.loss == pytest.approx(loss)
    assert metrics == Metrics(0.75, metrics.loss, 4, ((1, 0, 0), (0, 1, 0), (1, 0, 1)))


def test_predictions_keep_the_order_of_the_batches():
    predicted = predict(Fixed(), BATCHES)
    assert predicted.tolist() == [0, 1, 0, 2]
    assert predicted.dtype == torch.int64


def test_evaluation_changes_nothing(oracle):
    model = oracle.model("target").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    evaluate(model, [oracle.batch(0)])
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_no_batch_and_no_number_are_errors():
    for measure in (evaluate, predict):
        with pytest.raises(InvalidData):
            measure(Fixed(), [])
    broken = Fixed()
    broken.scale.data.fill_(float("nan"))
    with pytest.raises(NonFiniteLoss, match="scale"):
        evaluate(broken, BATCHES)
