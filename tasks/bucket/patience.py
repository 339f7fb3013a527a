"""Try again while the store is away: for the few writes that nothing else repeats."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from tasks.errors import StoreUnavailable

T = TypeVar("T")
DELAYS_S = (1.0, 4.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0)  # a quarter of an hour: a server is back by then


def patiently(action: Callable[[], T], *, delays_s: Sequence[float] = DELAYS_S) -> T:
    """Run an action, again after each delay while the store does not answer. Raises what it raises last."""
    for delay_s in delays_s:
        try:
            return action()
        except StoreUnavailable:
            time.sleep(delay_s)
    return action()
