"""A sample of the labels: bounded, of each class as many as there are, the same whatever holds the data."""

import torch

from grasp_core.data.sample import sampled
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData


def data(*counts: int) -> TargetData:
    """So many labels of each class, each image its own number; every fourth one in val."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.arange(float(len(labels))).view(-1, 1, 1, 1)
    val = torch.arange(len(labels)) % 4 == 3
    return TargetData(Samples(images[~val], labels[~val]), Samples(images[val], labels[val]))


def test_each_class_is_there_as_often_as_it_can_be():
    few = sampled(data(50, 2, 50), limit=12, seed=0)
    assert torch.bincount(few.labels).tolist() == [5, 2, 5]
    assert len(few.images.unique()) == 12


def test_images_keep_their_labels():
    whole = data(20, 20)
    few = sampled(whole, limit=15, seed=3)
    for image, label in zip(few.images.flatten().tolist(), few.labels.tolist(), strict=True):
        assert label == (0 if image < 20 else 1)


def test_fewer_labels_than_asked_for_are_all_taken():
    few = sampled(data(3, 4), limit=100, seed=0)
    assert sorted(few.images.flatten().tolist()) == list(range(7))


def test_the_seed_decides_and_batches_give_what_samples_give():
    whole = data(30, 30)
    listed = TargetData(list(whole.train.batches(7)), list(whole.val.batches(7)))
    one, other = sampled(whole, limit=10, seed=1), sampled(listed, limit=10, seed=1)
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.labels, other.labels)
    assert not torch.equal(one.images, sampled(whole, limit=10, seed=2).images)
