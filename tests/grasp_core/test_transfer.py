import pytest
import torch

from grasp_core.alignment import align
from grasp_core.errors import IncompatibleSource
from grasp_core.transfer import select, transfer


@pytest.mark.parametrize("threshold", ["-1.0", "0.0", "0.3"])
def test_transfer_reproduces_the_published_procedure(oracle, threshold):
    source, target = oracle.model("source"), oracle.model("target")
    scores = align(source, target, [oracle.batch(0)])
    before = {name: buffer.clone() for name, buffer in target.named_buffers()}
    names = select(scores, threshold=float(threshold))
    expected = oracle.expected["transfer"][threshold]
    assert transfer(source, target, names) == expected["n_transferred"]
    assert sorted(names) == sorted(expected["tensors"])
    assert all(torch.equal(buffer, before[name]) for name, buffer in target.named_buffers())
    logits = target.eval()(oracle.batch(0)[0])
    wanted = torch.tensor(expected["logits_eval_after_transfer_batch0"], dtype=torch.float64)
    torch.testing.assert_close(logits, wanted, atol=1e-9, rtol=0)


def test_a_score_equal_to_the_threshold_is_not_selected():
    assert select({"a": 0.3, "b": 0.31, "c": float("nan")}, threshold=0.3) == {"b"}


def test_nothing_is_copied_when_one_tensor_does_not_fit(oracle):
    source, target = oracle.model("source"), oracle.model("target")
    before = target.conv1.weight.clone()
    source.fc.weight.data[0, 0] = float("nan")
    for names in ({"conv1.weight", "fc.weight"}, {"conv1.weight", "bn1.running_mean"}, {"conv1.weight", "x"}):
        with pytest.raises(IncompatibleSource, match=r"fc\.weight|bn1\.running_mean|x"):
            transfer(source, target, names)
        assert torch.equal(target.conv1.weight, before)


@pytest.mark.parametrize("lacking", ["source", "target"])
def test_a_parameter_that_only_one_of_both_has_is_refused(oracle, lacking):
    models = {role: oracle.model(role) for role in ("source", "target")}
    models[lacking].fc.bias = None
    with pytest.raises(IncompatibleSource, match=r"fc\.bias is not a parameter of both"):
        transfer(models["source"], models["target"], ["fc.bias"])


def test_a_transferred_tensor_is_a_copy(oracle):
    source, target = oracle.model("source"), oracle.model("target")
    assert transfer(source, target, ["fc.bias"]) == 5
    source.fc.bias.data.zero_()
    assert not torch.equal(target.fc.bias, source.fc.bias)
