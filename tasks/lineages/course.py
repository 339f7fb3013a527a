"""The course of a rebuild: where it starts, which sources it absorbs, which it leaves out and why.

Pure: everything follows from the journal. So the same request gives the same lineage name, and an interrupted
rebuild goes on where it was.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from tasks.contracts.journal import Decided
from tasks.contracts.state import State
from tasks.errors import OperationRefused
from tasks.journal.history import History, Span, source_name, span_of
from tasks.lineages.rebuild import Course, LeftOut, Rebuild, Source

Left = Callable[[int], bool]


def start_before(history: History, since: Span, *, left: Left = lambda _: True) -> int | None:
    """Give the last version of the champion's ancestors before any source of `since` or later.

    left: says whether a version's bytes are left; one whose bytes are gone is made again.
    """
    before = takewhile(lambda decided: span_of(decided) < since, history.chain(history.state.champion))
    return last_left([decided.registry_version for decided in before], left)


def last_left(versions: Sequence[int | None], left: Left) -> int | None:
    """Give the last of some versions whose bytes are left; None: begin anew."""
    return next((version for version in reversed(versions) if version is not None and left(version)), None)


def settled(history: History, rebuild: Rebuild) -> Rebuild:
    """Fix which arrivals stay out, so that the lineage's name says it, and when the lineage began."""
    named = replace(rebuild, excluded=chart(history, rebuild).excluded)
    seqs = (decided.seq for decided in _decided_in(history, named.lineage))
    return replace(named, began=min(seqs, default=history.state.seq))


def is_finished(history: History, rebuild: Rebuild) -> bool:
    """Say whether this very rebuild took over last and nothing was decided since.

    The current lineage is the champion's: a roll back to a version of another one goes back to that.
    """
    switch, state = history.switch, history.state
    if switch is None or replace(rebuild, origin=switch.origin).lineage != state.lineage:
        return False
    return not any(
        decided.seq > switch.seq and decided.lineage == state.lineage for decided in history.by_seq.values()
    )


def check_going(history: History, rebuild: Rebuild) -> Course:
    """Chart a rebuild that is under way. Raises OperationRefused when the ground that it stands on moved."""
    course = chart(history, rebuild)
    state = history.state
    if state.lineage != rebuild.origin or course.excluded != rebuild.excluded:
        raise OperationRefused(
            f"lineage {rebuild.lineage} of {rebuild.target}: meanwhile the current lineage became "
            f"{state.lineage}, or a source was withdrawn or rolled back; the champion stays; run it again"
        )
    return course


def chart(history: History, rebuild: Rebuild) -> Course:
    """Say what is done and what is left of a rebuild, in period order."""
    state = history.state
    kept = {decided.arrival_id for decided in history.chain(rebuild.start)}
    ancestors = {decided.arrival_id for decided in history.chain(state.champion)}
    held = {decided.arrival_id for decided in _decided_in(history, rebuild.lineage)}
    todo: list[Source] = []
    done: list[Source] = []
    left_out: list[LeftOut] = []
    for source in _in_period_order(history):
        if source.arrival_id in kept or not _concerns(source, state, rebuild, ancestors):
            continue
        out = _left_out(source, state, rebuild, ancestors)
        if out:
            left_out.append(out)
        else:
            (done if source.arrival_id in held else todo).append(source)
    origin = state.lineages.get(rebuild.origin)
    return Course(
        todo=tuple(todo),
        done=tuple(done),
        left_out=tuple(left_out),
        champion=state.champion,
        origin_index=origin.index if origin else 0,
    )


def _decided_in(history: History, lineage: str) -> Iterator[Decided]:
    """Give a lineage's decisions, those too that it no longer holds back because it took over once."""
    return (decided for decided in history.by_seq.values() if decided.lineage == lineage)


def _in_period_order(history: History) -> Iterator[Source]:
    found = sorted(history.sources(), key=lambda item: (*span_of(item[1]), *_rest(item[1]), item[0]))
    for arrival, decided in found:
        accepted_seq = history.state.closed[arrival].accepted_seq
        yield Source(arrival_id=arrival, accepted_seq=accepted_seq, decided=decided)


def _rest(decided: Decided) -> tuple[str, int]:
    source = decided.source
    return (source.series, source.rev) if source else ("", 0)


def _concerns(source: Source, state: State, rebuild: Rebuild, ancestors: set[str]) -> bool:
    """Say whether the current lineage has this source, or tried it where the rebuilt one begins again."""
    if source.arrival_id in ancestors:  # whatever a lineage that was left again decided on it
        return True
    decision = state.closed[source.arrival_id].decision
    tried = decision in ("promoted", "rejected") or (
        decision == "parked" and source.decided.reason_code in ("manual", "late")
    )
    return tried and span_of(source.decided) >= rebuild.since


def _left_out(source: Source, state: State, rebuild: Rebuild, ancestors: set[str]) -> LeftOut | None:
    name = source_name(source.decided)
    promoted = state.closed[source.arrival_id].decision == "promoted"
    gone = promoted and source.arrival_id not in ancestors and name not in rebuild.include
    # What the origin absorbs while this lineage is built belongs to it: it would be lost with the origin.
    before = gone or source.decided.seq <= rebuild.began
    asked = True
    if source.arrival_id in state.withdrawn:
        why, asked = "withdrawn", False
    elif name in rebuild.without:
        why = "as asked"
    elif rebuild.until and before and span_of(source.decided) > rebuild.until:
        why = f"after period {rebuild.until[0]}..{rebuild.until[1]}"
    elif gone:
        why, asked = "no ancestor of the champion: rolled back or left out before", False
    else:
        return None
    return LeftOut(arrival_id=source.arrival_id, name=name, why=why, asked=asked)
