"""The store's own time, as its answers tell it."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

SLOWEST_ANSWER = timedelta(minutes=2)  # the client gives up sooner


class StoreClock:
    """Tells the store's time between its answers."""

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None  # the store's time, and our monotonic one then

    @property
    def now(self) -> datetime:
        """Give the time of the last answer plus what went by since; ours before the first."""
        if self._told is None:
            return datetime.now(UTC)
        then, at_s = self._told
        return then + timedelta(seconds=time.monotonic() - at_s)

    def tick(self, answer: Any) -> None:
        """Take the date of a client's answer; one without a readable date tells nothing."""
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            return
        try:
            told = parsedate_to_datetime(date).astimezone(UTC)
        except (ValueError, OverflowError):
            return
        # A date has whole seconds and is as old as its answer: only a clock that was set goes back.
        now = self.now
        slack = timedelta(seconds=1) if self._told is None else SLOWEST_ANSWER
        self._told = now if timedelta(0) <= now - told < slack else told, time.monotonic()
