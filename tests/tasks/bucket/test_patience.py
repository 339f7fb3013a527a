"""Patience while the store is away: as often as said, and no longer."""

import pytest

from tasks.bucket.patience import DELAYS_S, patiently
from tasks.errors import StoreRefused, StoreUnavailable


class Away:
    """Fails so often, then answers; counts how often it was asked."""

    def __init__(self, times: int, error: type[Exception] = StoreUnavailable) -> None:
        self.left, self.error, self.asked = times, error, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.left:
            raise self.error("away")
        return "written"


@pytest.mark.parametrize("times", [0, 1, 3])
def test_what_answers_in_time_is_done_once(times: int):
    action = Away(times)
    assert patiently(action, delays_s=(0, 0, 0)) == "written"
    assert action.asked == times + 1


def test_a_store_that_stays_away_is_told():
    action = Away(9)
    with pytest.raises(StoreUnavailable):
        patiently(action, delays_s=(0, 0, 0))
    assert action.asked == 4


def test_what_the_store_refuses_is_not_asked_again():
    action = Away(9, StoreRefused)
    with pytest.raises(StoreRefused):
        patiently(action, delays_s=(0, 0, 0))
    assert action.asked == 1


def test_a_store_that_is_away_for_a_quarter_of_an_hour_costs_no_attempt():
    """What takes an attempt back is nobody's to repeat: it waits as long as an outage takes."""
    assert sum(DELAYS_S) >= 15 * 60
