"""Tell others seldom enough that telling costs next to nothing."""

import time

INTERVAL_S = 1.0
SHARE = 20  # telling takes a twentieth of the time at most, also when the other side is slow


class Throttle:
    """Says when it is time to tell again. interval_s: the least time between two tellings."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._due_s = self._began_s = time.monotonic()

    def is_due(self) -> bool:
        """Say whether to tell now; the telling is taken to begin."""
        self._began_s = time.monotonic()
        return self._began_s >= self._due_s

    def told(self) -> None:
        """Hear that the telling ended, in success or failure: the longer it took, the later the next."""
        now_s = time.monotonic()
        self._due_s = now_s + max(self._interval_s, SHARE * (now_s - self._began_s))
