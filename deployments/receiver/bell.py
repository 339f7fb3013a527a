"""Many notifications, few events: a thousand manifests at once need one look of the watch, not a thousand."""

import threading
import time
from collections.abc import Callable

from tasks.errors import GraspError, OrchestrationUnavailable

# The watch's trigger (deployments/prefect.yaml) heeds no event within a second of one that it heeded, and
# starts a watch three seconds after that one. So two: what comes then is there before that watch begins.
WINDOW_S = 2.0


class Bell:
    """Sends an event for the first manifest, and none for those of the next `WINDOW_S`, which its watch sees.

    May be rung from several threads: those that wait while an event is on its way share it, and its failure.
    """

    def __init__(self, emit: Callable[[int], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        """emit: sends an event of so many manifests, and returns once Prefect has it."""
        self._emit, self._clock = emit, clock
        self._rung = self._failed = float("-inf")
        self._failure = ""
        self._lock = threading.Lock()

    def ring(self, manifests: int) -> None:
        """Return once Prefect has an event after which a watch sees these manifests.

        Raises OrchestrationUnavailable, also where another's event failed, and what else emit raises.
        """
        came = self._clock()
        with self._lock:
            if came < self._rung + WINDOW_S:
                return
            if came < self._failed:
                raise OrchestrationUnavailable(self._failure)
            now = self._clock()
            try:
                self._emit(manifests)
            except GraspError as error:
                self._failed, self._failure = self._clock(), str(error)
                raise
            self._rung = now
