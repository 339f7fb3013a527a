import pytest
import torch

from grasp_core.config import FineTuneConfig
from grasp_core.data.target import gather
from grasp_core.models.architectures import build
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.seed import generator
from grasp_core.training.folds import fold_soup, rotations


@pytest.mark.parametrize(("size", "block", "folds"), [(60, 15, 4), (20, 10, 4), (200, 50, 4), (7, 2, 3)])
def test_every_rotation_splits_all_labels(size, block, folds):
    splits = rotations(size, block=block, folds=folds, order=generator(0))
    assert len(splits) == folds
    for train, val in splits:
        assert len(val) == block
        assert sorted(torch.cat([train, val]).tolist()) == list(range(size))


@pytest.mark.parametrize(("size", "block", "held"), [(3, 2, 1), (4, 3, 2), (2, 1, 1)])
def test_two_are_left_to_train_on_where_there_are_three(size, block, held):
    for train, val in rotations(size, block=block, folds=3, order=generator(0)):
        assert (len(val), len(train)) == (held, size - held)


def test_four_quarters_validate_on_each_label_once():
    splits = rotations(60, block=15, folds=4, order=generator(0))
    assert sorted(torch.cat([val for _, val in splits]).tolist()) == list(range(60))


def test_the_soup_is_the_stem_plus_the_mean_of_what_the_folds_learned(target_data):
    torch.manual_seed(7)
    model = build("grasp/digits-cnn", in_channels=1, num_classes=10)
    stem = {name: p.clone() for name, p in model.named_parameters()}
    learned = []

    class Watching(MemorySnapshots):
        def load_into(self, name, module):
            super().load_into(name, module)
            if name == "best-epoch":
                learned.append({name: p.detach() - stem[name] for name, p in module.named_parameters()})

    snapshots = Watching()
    snapshots.save("stem", model)
    labels = gather(target_data)
    config = FineTuneConfig(epochs=3, lr=1e-2, selection="loss")
    done = fold_soup(
        model,
        labels,
        block=15,
        folds=4,
        config=config,
        snapshots=snapshots,
        start="stem",
        settle=lambda model: recalibrate(model, labels.batches(32)),
    )
    assert len(learned) == 4
    for name, p in model.named_parameters():
        mean = sum(difference[name] for difference in learned) / 4
        torch.testing.assert_close(p.detach(), stem[name] + mean, atol=1e-6, rtol=1e-5)
    served = {name: buffer.clone() for name, buffer in model.named_buffers()}
    recalibrate(model, labels.batches(32))
    assert all(torch.equal(buffer, served[name]) for name, buffer in model.named_buffers())
    assert done.gradient_passes == 4 * 3 * 45
    assert [epoch.fold for epoch in done.epochs] == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    assert len(done.kept) == 4
