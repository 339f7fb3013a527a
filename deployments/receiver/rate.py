"""A bound on how often something may happen."""

import threading
import time
from collections.abc import Callable


class Rate:
    """Lets through so many a second, and a burst after a pause; may be asked from several threads."""

    def __init__(self, per_s: float, *, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left, self._then = float(burst), clock()
        self._lock = threading.Lock()

    def allows(self) -> bool:
        """Count one, unless there are too many."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._then) * self._per_s)
            self._then = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
