"""From what a person asks of a backfill to the lineage that it builds."""

from tasks.arrivals.unit import digests_of
from tasks.contracts.rebuild import BackfillRequest
from tasks.contracts.target import Target
from tasks.errors import NotThere, OperationRefused
from tasks.journal.history import History, Span, source_name, span_of
from tasks.lineages.course import Left, settled, start_before
from tasks.lineages.rebuild import Rebuild

KNOWN_SHOWN = 50


def backfill_of(
    target: Target, history: History, request: BackfillRequest, *, left: Left = lambda _: True
) -> Rebuild:
    """Say what a request builds; left: see start_before.

    Raises NotThere for an unknown period or source, OperationRefused.
    """
    since = min(_spans(target, history, request.from_period))
    until = max(_spans(target, history, request.to_period)) if request.to_period else None
    if until and until < since:
        raise OperationRefused(
            f"backfill of {target.name}: --to {request.to_period} lies before --from {request.from_period}"
        )
    start = start_before(history, since, left=left)
    _check_without(target, history, request, start)
    rebuild = Rebuild(
        target=target.name,
        kind="backfill",
        label=request.from_period,
        origin=history.state.lineage,
        start=start,
        since=since,
        until=until,
        without=frozenset(request.without),
        include=frozenset(request.include),
        settings=request.settings(target.absorb),
        data=digests_of(target).data,
    )
    return settled(history, rebuild)


def _spans(target: Target, history: History, label: str) -> list[Span]:
    labels: dict[str, list[Span]] = {}
    for _, decided in history.sources():
        if decided.source:
            labels.setdefault(decided.source.period.label, []).append(span_of(decided))
    if label not in labels:
        known = ", ".join(sorted(labels)[-KNOWN_SHOWN:]) or "none"
        raise NotThere(
            f"target {target.name} has decided on no source of period {label} (periods: {known}); "
            "nothing was done"
        )
    return labels[label]


def _check_without(target: Target, history: History, request: BackfillRequest, start: int | None) -> None:
    known = {source_name(decided) for _, decided in history.sources()}
    for name in (*request.without, *request.include):
        if name not in known:
            raise NotThere(f"target {target.name} has decided on no source {name}; nothing was done")
    kept = {source_name(decided): decided for decided in history.chain(start)}
    for name in request.without:
        if name in kept:
            raise OperationRefused(
                f"{name} is part of version {start}, from which the backfill would start; "
                f"begin at its period or earlier; nothing was done"
            )
