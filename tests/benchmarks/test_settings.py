"""Settings and seeds of the benchmark."""

from benchmarks.accuracy.seeds import FRESH, FRESH_NEGATIVE_TRANSFER, TUNING
from benchmarks.accuracy.settings import FULL, QUICK


def test_settings_have_names_of_their_own():
    for settings in (FULL, QUICK):
        assert len({setting.name for setting in settings}) == len(settings)


def test_seeds_for_reports_are_none_of_those_for_tuning():
    assert len(FRESH) >= 24
    assert len(FRESH_NEGATIVE_TRANSFER) == 50
    assert not set(TUNING) & (set(FRESH) | set(FRESH_NEGATIVE_TRANSFER))
