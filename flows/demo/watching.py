"""Follow the target's journal until the arrivals that were published are decided."""

import time
from collections.abc import Collection

from flows.demo.rows import Row, follow
from flows.demo.servers.failure import DemoFailed
from flows.demo.servers.processes import Children
from flows.demo.view import View
from tasks.bucket.store import Store
from tasks.errors import TransientError
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.projection import is_behind

POLL_S = 0.5
PATIENCE_S = 300.0  # without a single journal entry


class Watching:
    """Reads the journal and keeps the view up to date; writes nothing."""

    def __init__(self, store: Store, target: str, *, view: View, children: Children) -> None:
        self._store, self._journal = store, Journal(store, target, by=signed("demo"))
        self._view, self._children = view, children
        self._seq = 0
        self.rows: dict[str, Row] = {}

    def until_decided(self, arrivals: Collection[str]) -> None:
        """Wait for a decision on each arrival id, and until MLflow shows the decisions.

        Raises DemoFailed when a service dies, or when nothing happens for too long.
        """
        limit = time.monotonic() + PATIENCE_S
        while not (self._all_decided(arrivals) and self._shown()):
            self._children.check()
            if self._read():
                limit = time.monotonic() + PATIENCE_S
            if time.monotonic() > limit:
                raise DemoFailed(
                    f"journal of {self._journal.target}: nothing new for {PATIENCE_S:.0f} s, needs "
                    f"{len(arrivals)} decisions; see logs/worker-gpu.log and worker-cpu.log"
                )
            time.sleep(POLL_S)

    def _read(self) -> bool:
        try:
            entries = list(self._journal.entries(after=self._seq))
        except TransientError as error:
            self._view.say(str(error))
            return False
        if not entries:
            return False
        self.rows = follow(self.rows, entries)
        self._seq = entries[-1].seq
        self._view.rows(self.rows)
        return True

    def _all_decided(self, arrivals: Collection[str]) -> bool:
        return all(arrival in self.rows and self.rows[arrival].decided is not None for arrival in arrivals)

    def _shown(self) -> bool:
        return not is_behind(self._store, self._journal.target, self._journal.state())
