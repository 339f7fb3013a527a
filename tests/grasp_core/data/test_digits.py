import numpy as np
import pytest

from grasp_core.data import digits
from grasp_core.errors import InvalidConfig


def test_without_drift_images_stay_nearly_themselves():
    images, labels = digits.load()
    assert images.shape == (1797, 8, 8, 1)
    assert np.bincount(labels).sum() == 1797
    still = digits.drifted(images[:50], tau=0.0, strength=2.0, seed=0)
    centre = (slice(None), slice(2, 6), slice(2, 6))
    assert np.corrcoef(still[centre].ravel(), images[:50][centre].ravel())[0, 1] > 0.97


def test_drift_is_decided_by_its_seed_and_grows_with_time():
    images = digits.load()[0][:50]
    ours = digits.drifted(images, tau=0.5, strength=2.0, seed=1)
    assert np.array_equal(ours, digits.drifted(images, tau=0.5, strength=2.0, seed=1))
    assert not np.array_equal(ours, digits.drifted(images, tau=0.5, strength=2.0, seed=2))
    start = digits.drifted(images, tau=0.0, strength=2.0, seed=1).astype(float)
    gaps = [
        np.abs(digits.drifted(images, tau=tau, strength=2.0, seed=1) - start).mean() for tau in (0.25, 0.5, 1)
    ]
    assert gaps == sorted(gaps)
    assert gaps[0] > 0


def test_rotation_alone_turns_a_bar_by_thirty_degrees_a_unit():
    bar = np.zeros((1, 8, 8, 1), np.uint8)
    bar[0, :, 3:5] = 255
    turned = digits.drifted(bar, tau=1.0, strength=3.0, seed=0)[0, :, :, 0].astype(float)
    rows, columns = turned[3:5].mean(), turned[:, 3:5].mean()
    assert rows > columns + 30


def test_base_sources_and_target_share_no_digit():
    parts = [digits.base(strength=1, seed=0)]
    parts += [digits.source(k, of=4, strength=1, seed=0) for k in (1, 2, 3, 4)]
    splits = digits.target(budget=60, strength=1, seed=0, gate=100)
    parts += [splits.train, splits.val, splits.gate, splits.test]
    assert [len(part.ids) for part in parts] == [300, 225, 225, 225, 225, 45, 15, 100, 347]
    ids = [digit for part in parts for digit in part.ids]
    assert len(set(ids)) == len(ids)
    assert all(len(part.images) == len(part.labels) == len(part.ids) for part in parts)


def test_eight_sources_have_as_many_digits_as_four():
    starts = {digits.source(k, of=8, strength=1, seed=0).ids[0] for k in range(1, 9)}
    assert len(starts) == 8
    assert len(digits.source(8, of=8, strength=1, seed=0).ids) == 225


def test_a_small_budget_keeps_ten_labels_for_validation():
    splits = digits.target(budget=20, strength=1, seed=0)
    assert (len(splits.train.ids), len(splits.val.ids), len(splits.gate.ids)) == (10, 10, 0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidConfig):
        digits.target(budget=200, strength=1, seed=0, gate=51)
    with pytest.raises(InvalidConfig):
        digits.source(5, of=4, strength=1, seed=0)
