import pytest
import torch

from grasp_core.config import FineTuneConfig
from grasp_core.errors import InvalidData, NonFiniteLoss
from grasp_core.models.architectures import build
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.finetune import fine_tune


def network():
    torch.manual_seed(7)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def tuned(data, **settings):
    model = network()
    config = FineTuneConfig(**{"epochs": 4, "lr": 1e-2, **settings})
    done = fine_tune(model, data.train, data.val, config=config, snapshots=MemorySnapshots())
    return model, done


def equal(ours, theirs):
    theirs = theirs.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in ours.state_dict().items())


def test_the_same_seed_gives_the_same_bits(target_data):
    ours, theirs = tuned(target_data, seed=1)[0], tuned(target_data, seed=1)[0]
    assert equal(ours, theirs)
    assert not equal(ours, tuned(target_data, seed=2)[0])


def test_dropout_follows_the_seed_and_leaves_the_global_numbers_alone(target_data):
    def dropping(global_seed):
        model = torch.nn.Sequential(torch.nn.Dropout(0.5), network())
        torch.manual_seed(global_seed)
        fine_tune(
            model, target_data.train, target_data.val, config=FineTuneConfig(), snapshots=MemorySnapshots()
        )
        return model, torch.rand(1)

    (ours, after_ours), (theirs, after_theirs) = dropping(0), dropping(1)
    assert equal(ours, theirs)
    torch.manual_seed(0)
    assert torch.equal(after_ours, torch.rand(1))
    assert not torch.equal(after_ours, after_theirs)


def test_the_first_epoch_of_best_accuracy_is_kept(target_data):
    model, done = tuned(target_data, epochs=6)
    accuracies = [epoch.val_accuracy for epoch in done.epochs]
    assert done.kept == (accuracies.index(max(accuracies)) + 1,)
    assert evaluate(model, target_data.val).accuracy == max(accuracies)
    assert done.gradient_passes == 6 * 45


def test_the_untrained_model_is_kept_when_every_epoch_has_a_higher_loss(target_data):
    model, done = tuned(target_data, lr=1e3, epochs=2, selection="loss")
    assert done.kept == (0,)
    assert equal(model, network())


def test_the_published_choice_never_keeps_the_untrained_model(target_data):
    assert tuned(target_data, lr=1e-9, epochs=2)[1].kept == (1,)


def test_the_learning_rate_falls_as_a_cosine_over_the_epochs(target_data):
    one, two = tuned(target_data, epochs=1)[1], tuned(target_data, epochs=2)[1]
    assert one.epochs[0].train_loss == two.epochs[0].train_loss

    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01)
    batch = next(iter(target_data.train))
    for lr in (1e-2, 0.5e-2):
        optimizer.param_groups[0]["lr"] = lr
        torch.nn.functional.cross_entropy(model.train()(batch[0]), batch[1]).backward()
        optimizer.step()
        optimizer.zero_grad()
    ours = network()
    config = FineTuneConfig(epochs=2, lr=1e-2, selection="accuracy")

    class Last(MemorySnapshots):
        def load_into(self, name, module):
            """Keep the last epoch."""

    fine_tune(ours, [batch], [batch], config=config, snapshots=Last())
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, atol=1e-6, rtol=1e-5)


def test_a_diverged_training_is_an_error(target_data):
    model = network()
    model.head.weight.data.fill_(float("nan"))
    with pytest.raises(NonFiniteLoss, match=r"tensor conv1\.weight"):
        fine_tune(
            model, target_data.train, target_data.val, config=FineTuneConfig(), snapshots=MemorySnapshots()
        )


def test_training_without_batches_is_an_error(target_data):
    with pytest.raises(InvalidData):
        fine_tune(network(), [], target_data.val, config=FineTuneConfig(), snapshots=MemorySnapshots())


def test_a_listener_can_stop_between_epochs(target_data):
    class Stop(Exception):
        pass

    class Stopping:
        heard = 0

        def step(self, name):
            pass

        def epoch(self, epoch):
            self.heard += 1
            if epoch.epoch == 2:
                raise Stop

    listener = Stopping()
    config = FineTuneConfig(epochs=5)
    with pytest.raises(Stop):
        fine_tune(
            network(),
            target_data.train,
            target_data.val,
            config=config,
            snapshots=MemorySnapshots(),
            progress=listener,
        )
    assert listener.heard == 2
