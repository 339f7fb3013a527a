import pytest
import torch
from torch import nn
from torch.nn import functional

from grasp_core.errors import InvalidData, NonFiniteLoss
from grasp_core.models.evaluate import TEMPERATURES, Metrics, evaluate, judge, predict


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
    for measure in (evaluate, judge, predict):
        with pytest.raises(InvalidData):
            measure(Fixed(), [])
    broken = Fixed()
    broken.scale.data.fill_(float("nan"))
    for measure in (evaluate, judge):
        with pytest.raises(NonFiniteLoss, match="scale"):
            measure(broken, BATCHES)


def test_a_judge_takes_each_model_at_the_temperature_that_suits_it():
    losses = [float(functional.cross_entropy(LOGITS / each, LABELS)) for each in TEMPERATURES]
    judged = judge(Fixed(), BATCHES)
    assert judged.tempered == pytest.approx(min(losses))
    assert judged.loss == pytest.approx(evaluate(Fixed(), BATCHES).loss)
    assert losses.index(min(losses)) not in (0, len(losses) - 1)


@pytest.mark.parametrize("sure", [2.0, 4.0])
def test_how_sure_a_model_is_does_not_change_what_a_judge_makes_of_it(sure):
    surer = Fixed()
    surer.scale.data.fill_(sure)
    judged, before = judge(surer, BATCHES), judge(Fixed(), BATCHES)
    assert judged.loss > before.loss
    assert judged.tempered == pytest.approx(before.tempered)


def test_a_judge_prefers_what_is_right_more_often_to_what_is_less_sure():
    """The bare loss prefers the model that knows nothing."""
    surer, blank = Fixed(), Fixed()
    surer.scale.data.fill_(8.0)
    blank.scale.data.fill_(0.0)
    sure, knows_nothing = judge(surer, BATCHES), judge(blank, BATCHES)
    assert sure.loss > knows_nothing.loss
    assert sure.tempered < knows_nothing.tempered
