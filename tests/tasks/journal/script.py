"""A journal written and folded entry by entry."""

from datetime import date

from tasks.contracts.journal import Accepted, Decided, Reason, SourceRef
from tasks.contracts.state import State
from tasks.journal.fold import fold

A, B, C = "a" * 64, "b" * 64, "c" * 64
REASON = Reason(object="o", found="f", needed="n", next="x")


class Script:
    """Entries one after the other, folded one by one."""

    def __init__(self, stamp) -> None:
        self._stamp, self.entries, self.state = stamp, [], State()

    def add(self, kind: type, **fields: object) -> State:
        entry = kind(**self._stamp(self.state.seq + 1) | fields)
        self.entries.append(entry)
        self.state = fold(self.state, [entry])
        return self.state

    def accept(self, arrival: str, manifest: str | None = None) -> State:
        return self.add(
            Accepted, arrival_id=arrival, key="k", manifest=manifest, size_bytes=1, digest=None, etag="e1"
        )

    def decide(self, arrival: str, decision: str, version: int | None, year: int = 2014, **more) -> State:
        period = {"label": str(year), "start": date(year, 1, 1), "end": date(year, 12, 31)}
        fields = {
            "arrival_id": arrival,
            "decision": decision,
            "reason_code": "always" if decision == "promoted" else "no_gain",
            "reason": REASON,
            "registry_version": version,
            "index": len(self.state.closed) + 1,
            "source": SourceRef(series="s", period=period, rev=1, weights_sha256=arrival),
        }
        return self.add(Decided, **fields | more)
