"""What each competitor may know, keep and spend."""

import pytest
import torch

from grasp_core.config import AbsorbConfig
from grasp_core.data import digits
from grasp_core.data.target import TargetData, count, in_order
from grasp_core.models.architectures import build
from grasp_core.models.evaluate import evaluate, predict
from grasp_core.models.snapshots import DiskSnapshots, MemorySnapshots
from grasp_core.peers.catalogue import PEERS
from grasp_core.peers.peer import Task

EPOCHS = 2


def network(seed):
    torch.manual_seed(seed)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


@pytest.fixture(scope="module")
def few_labels():
    """Ten labelled digits and ten for validation: what is promised here does not depend on how many."""
    splits = digits.target(budget=20, strength=1.0, seed=3)
    return TargetData(splits.train.samples(), splits.val.samples())


@pytest.fixture
def task(few_labels):
    config = AbsorbConfig(lr=1e-3, epochs=EPOCHS, initial_epochs=EPOCHS, seed=1)
    return Task(build=lambda: network(0), data=few_labels, config=config, snapshots=MemorySnapshots())


def met(name, task, seeds=(1, 2, 3)):
    peer = PEERS[name](task)
    passes = [peer.meet(lambda seed=seed: network(seed)) for seed in seeds]
    return peer, passes


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_serves_a_model_after_every_source(name, task):
    peer, passes = met(name, task)
    assert evaluate(peer.model, task.data.val).samples == count(task.data.val)
    assert len(passes) == 3
    assert (sum(passes) > 0) == (name != "ensemble")


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_gives_the_same_model_for_the_same_seed(name, task):
    ours, theirs = met(name, task)[0].model.state_dict(), met(name, task)[0].model.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    "name",
    [
        "last_source",
        "average",
        "fusion",
        "ensemble_fine_tuned",
        "ema",
        "ties",
        "pcb",
        "doge",
        "opcm",
        "pearl",
        "bmm",
    ],
)
def test_every_source_costs_one_fine_tune_with_the_whole_budget(name, task):
    assert met(name, task)[1] == [EPOCHS * count(task.data.train)] * 3


def test_no_peer_has_more_epochs_than_the_budget(task):
    budget, labels = EPOCHS * count(task.data.train), count(task.data.train) + count(task.data.val)
    assert met("atlas", task)[1] == [budget] * 3  # half for the coefficients
    assert met("logit_fusion", task)[1] == [budget, 2 * budget, 3 * budget]  # of one, two, three networks
    assert (
        met("fisher", task)[1] == [10 * labels + budget] * 3
    )  # one pass per class and image for the weights
    assert met("ode_m", task)[1] == [budget, 10 * labels + budget, 6 * labels + budget]  # 1/2 and 1/3 by 0.05


@pytest.mark.parametrize("name", ["ties", "pcb", "opcm", "doge", "atlas"])
def test_a_known_ancestor_makes_the_first_source_count(name, task):
    from dataclasses import replace

    (peer, _), (informed, _) = (
        met(name, task, [1, 2]),
        met(name, replace(task, ancestor=lambda: network(9)), [1, 2]),
    )
    assert not torch.equal(next(peer.model.parameters()), next(informed.model.parameters()))


@pytest.mark.parametrize("name", ["ties", "pcb", "opcm", "doge"])
def test_sources_that_learned_nothing_leave_the_ancestor_fine_tuned(name, task):
    merged = met(name, task, [4, 4])[0].model.state_dict()
    tuned = met("average", task, [4])[0].model.state_dict()  # recalibrated and fine-tuned, too
    assert all(torch.equal(merged[key], tuned[key]) for key in merged)


def test_scratch_trains_once(task):
    assert met("scratch", task)[1] == [EPOCHS * count(task.data.train), 0, 0]


def test_best_source_follows_the_lowest_validation_loss(task):
    losses = {seed: evaluate(network(seed), in_order(task.data.val, 32)).loss for seed in range(1, 7)}
    rising = sorted(losses, key=losses.get)
    _, passes = met("best_source", task, rising)
    assert [spent > 0 for spent in passes] == [True] + [False] * 5
    _, passes = met("best_source", task, rising[::-1])
    assert all(spent > 0 for spent in passes)


def test_an_unfit_source_leaves_what_best_source_serves(task):
    losses = {seed: evaluate(network(seed), in_order(task.data.val, 32)).loss for seed in (1, 2)}
    best, worst = sorted(losses, key=losses.get)
    images = task.data.val.batches(32)
    alone = predict(met("best_source", task, [best])[0].model, images)
    assert torch.equal(predict(met("best_source", task, [best, worst])[0].model, task.data.val), alone)


def test_a_source_may_go_on_from_what_guarded_mode_has_not_trained_on_labels(task):
    peer, _ = met("guarded", task, [1])
    begun = dict(peer.start().named_parameters())
    assert all(torch.equal(came, begun[name]) for name, came in network(1).named_parameters())
    assert not all(torch.equal(served, begun[name]) for name, served in peer.model.named_parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_keeps_as_many_models_alive_as_its_memory_class_says(name, task, tmp_path):
    from dataclasses import replace

    from tasks.studies.live import LiveBytes, parameter_bytes

    config = replace(task.config, epochs=1, initial_epochs=1)  # what is kept does not depend on them
    task = replace(task, config=config, snapshots=DiskSnapshots(tmp_path))

    def kept(sources):
        with LiveBytes() as live:
            peer = met(name, task, range(1, sources + 1))[0]
            now = live.now
        assert peer.model is not None
        return now / parameter_bytes(network(0))

    grown = kept(6) - kept(2)
    if name == "pearl":  # four adapters of rank 16, which is nearly the size of these small matrices
        assert 1 < grown < 6
    elif getattr(PEERS[name], "memory", "O(1)") == "O(K)":
        assert grown > 3.5
    else:
        assert grown < 0.2
