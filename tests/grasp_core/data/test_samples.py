import numpy as np
import pytest
import torch

from grasp_core.data.augment import photographs
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData, count, gather
from grasp_core.errors import InvalidData


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (65, 4, 5, 3), dtype=np.uint8)


LABELS = np.arange(65) % 7


def test_a_model_sees_a_255th_then_mean_and_std_per_channel(images):
    samples = Samples(images, LABELS, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    seen, labels = samples.batch(torch.tensor([3, 1]))
    assert seen.shape == (2, 3, 4, 5)
    assert seen.dtype == torch.float32
    assert labels.tolist() == [3, 1]
    expected = (images[3, 2, 1, 2] / 255 - 0.3) / 0.7
    assert float(seen[0, 2, 2, 1]) == pytest.approx(expected, abs=1e-6)


def test_iterating_again_gives_the_same_batches(images):
    samples = Samples(images, LABELS)
    first, second = list(samples), list(samples)
    assert [len(labels) for _, labels in first] == [22, 22, 21]
    assert torch.cat([labels for _, labels in first]).tolist() == LABELS.tolist()
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, second, strict=True))


def test_shuffled_batches_are_full_and_never_of_one_sample(images):
    samples = Samples(images, np.arange(65))
    batches = list(samples.batches(32, shuffle=torch.Generator().manual_seed(0)))
    assert [len(labels) for _, labels in batches] == [32, 33]
    seen = torch.cat([labels for _, labels in batches]).tolist()
    assert sorted(seen) == list(range(65))
    assert seen != list(range(65))


@pytest.mark.parametrize(("many", "sizes"), [(1, [1]), (3, [3]), (5, [3, 2]), (6, [2, 2, 2])])
def test_batches_in_order_have_one_sample_only_where_there_is_only_one(many, sizes):
    samples = Samples(np.zeros((many, 4, 4, 1), dtype=np.uint8), np.arange(many))
    assert [len(labels) for _, labels in samples.batches(2)] == sizes


def test_a_memory_map_is_read_row_by_row(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    ours, theirs = Samples(mapped, LABELS), Samples(images, LABELS)
    assert isinstance(ours.images, np.memmap)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    "bad", [np.zeros((65, 4, 5, 3)), np.zeros((64, 4, 5, 3), np.uint8), torch.zeros(65, 3)]
)
def test_other_images_are_refused(bad):
    with pytest.raises(InvalidData, match="uint8"):
        Samples(bad, LABELS)


def test_gathering_keeps_train_then_val(images):
    samples = Samples(images, LABELS, mean=(0.5,), std=(0.5,))
    train, val = samples.subset(torch.arange(40)), samples.subset(torch.arange(40, 65))
    for data in (TargetData(train, val), TargetData(list(train), list(val))):
        gathered = gather(data)
        assert count(data.train) + count(data.val) == len(gathered) == 65
        assert torch.equal(gathered.batch(torch.arange(65))[0], samples.batch(torch.arange(65))[0])
        assert gathered.labels.tolist() == LABELS.tolist()
    assert gather(TargetData(train, val)).images.dtype == np.uint8


def test_an_iterator_is_no_target_data(images):
    samples = Samples(images, LABELS)
    with pytest.raises(InvalidData, match="val"):
        TargetData(samples, iter(samples))


def test_photographs_are_seen_in_another_view_each_time(images):
    augment = photographs(height=4, width=5)
    samples = Samples(images, LABELS, augment=augment).subset(torch.arange(10))
    torch.manual_seed(0)
    first, second = samples.batch(torch.arange(10))[0], samples.batch(torch.arange(10))[0]
    assert first.shape == (10, 3, 4, 5)
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(first, samples.batch(torch.arange(10))[0])
