import numpy as np

from benchmarks.accuracy import photos


def test_tiles_of_all_classes_are_cut_always_in_the_same_order():
    images, labels = photos.load()
    assert images.shape[1:] == (8, 8, 3)
    assert len(images) == len(labels) >= photos.POOL.stop
    assert np.bincount(labels).min() > 200
    again = photos.load.__wrapped__()
    assert np.array_equal(images, again[0])


def test_base_sources_and_target_share_no_tile():
    parts = [
        photos.base(strength=1, seed=0),
        *(photos.source(k, of=4, strength=1, seed=0) for k in (1, 2, 3, 4)),
    ]
    splits = photos.target(budget=60, strength=1, seed=0, gate=50)
    parts += [splits.train, splits.val, splits.gate, splits.test]
    ids = [tile for part in parts for tile in part.ids]
    assert len(set(ids)) == len(ids)
    assert [len(part.ids) for part in parts[-4:]] == [45, 15, 50, 400]


def test_drift_grows_with_time_and_warms_the_picture():
    images = photos.load()[0][:100]
    still, aged = (photos.drifted(images, tau=tau, strength=2.0, seed=0).astype(float) for tau in (0.0, 1.0))
    assert np.array_equal(still, images)
    assert (aged - still)[..., 2].mean() < (aged - still)[..., 0].mean() - 20
