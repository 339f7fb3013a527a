"""New data, new gate: champions are measured on it before anything is decided, so that the gate compares."""

from tasks.absorbing.decide import better_earlier
from tasks.absorbing.measure import measured_version
from tasks.absorbing.recorded import is_left
from tasks.absorbing.work import Work
from tasks.arrivals.unit import digests_of
from tasks.contracts.changed import Measured, OnGate
from tasks.contracts.journal import Entry
from tasks.contracts.state import State
from tasks.journal.log import Stamp


def needs_measuring(work: Work) -> bool:
    """Say whether the champion was last measured on other data than the target has now."""
    return bool(_due(work, work.journal.last))


def measure_again(work: Work) -> tuple[OnGate, ...]:
    """Measure the champion, the one before and the best earlier one on the target's data, for the journal.

    Those whose bytes are gone are passed over. Raises what measured_version raises.
    """
    data = digests_of(work.target).data
    found = tuple(
        _on_gate(work, version) for version in _due(work, work.journal.state()) if is_left(work, version)
    )

    def think(state: State, stamp: Stamp) -> Entry | None:
        if not found or not _due(work, state):
            return None  # another writer was faster
        return Measured(**stamp._asdict(), data=data, versions=found)

    work.journal.transact(think)
    return found


def _due(work: Work, state: State) -> list[int]:
    """Give the versions to measure, the champion first; none where it was measured on these data."""
    data, champion = digests_of(work.target).data, state.champion
    point = state.versions.get(champion) if champion else None
    if champion is None or point is None or point.data in (None, data):
        return []
    earlier = better_earlier(state, lineage=state.lineage, parent=champion, data=point.data or data)
    asked = [champion, state.previous, *earlier[:1]]
    return [version for version in dict.fromkeys(asked) if version in state.versions]


def _on_gate(work: Work, version: int) -> OnGate:
    measured = measured_version(work, version)
    return OnGate(
        registry_version=version,
        gate_accuracy=measured.gate.accuracy,
        test_accuracy=measured.test.accuracy,
        gate_samples=measured.gate.samples,
    )
