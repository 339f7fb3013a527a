"""Make MLflow show what the journal says: aliases first, then decisions on runs and versions."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tasks.absorbing.news import is_news, tell_news
from tasks.absorbing.recorded import decision_on
from tasks.absorbing.work import Work
from tasks.contracts.journal import Decided, Entry, Withdrawn
from tasks.errors import NotThere
from tasks.journal.projection import read_projected, write_projected
from tasks.registry.aside import set_aside_undecided
from tasks.registry.description import describe_model
from tasks.registry.lineage_figure import lineage_figure
from tasks.registry.registry import set_aliases
from tasks.registry.tags import tag_decision
from tasks.tracking.logged import read_logged
from tasks.tracking.runs import log_decision, log_lineage_point, log_refusal

log = logging.getLogger(__name__)

# what a watch decides by the manifest alone, so that nothing was ever registered for it
BEFORE_ANY_ATTEMPT = frozenset(
    {"manifest_invalid", "manifest_key", "newer_schema", "architecture", "classes", "input", "same_weights"}
)


def project(work: Work) -> None:
    """Project the journal's tip; done again when the tip moved meanwhile, so that the last writer is right.

    Cheap when nothing is behind: the aliases are read, and compared, and projected.json is left alone.
    """
    news: dict[int, Entry] = {}
    while True:
        state = work.journal.state()
        still = partial(_shows, work, state.to_project)
        moved = False
        if state.versions:
            moved = set_aliases(
                work.mlflow,
                work.target.name,
                champion=state.champion,
                previous=state.previous,
                holds=still,
            )
        shown = read_projected(work.store, work.target.name, state).seq
        if shown == 0 and not still():
            continue  # another writer was faster, and has shown more than the state read here knows of
        if shown < state.to_project:
            news |= _show_decisions(work, after=shown)
        if not still():
            continue
        if moved or shown < state.to_project:
            _describe(work)
            tell_news(work, [*news.values()])
            write_projected(work.store, work.target.name, state)
        return


def _describe(work: Work) -> None:
    """Keep current what the registered model says of itself, where there is one."""
    state = work.journal.last
    if not state.versions:
        return
    champion = decision_on(work.journal, state.champion) if state.champion else None
    events = work.story.read()
    with _going_on(), work.directory() as directory:
        picture = directory / "lineage.png"
        lineage_figure(work.target.name, state.lineage, events, picture)
        describe_model(
            work.mlflow,
            work.target.name,
            state,
            champion=champion,
            events=events,
            picture=picture,
            runbook=work.settings.runbook_url,
        )


def _shows(work: Work, seq: int) -> bool:
    return work.journal.state().to_project == seq


def _show_decisions(work: Work, *, after: int) -> dict[int, Entry]:
    """Show what was decided behind a seq; give what of it people are to be told, by seq."""
    news, now = dict[int, Entry](), work.store.clock
    for entry in work.journal.entries(after=after):
        if isinstance(entry, Withdrawn):
            if entry.arrival_id not in work.journal.last.open:  # it may have come again
                lineage = work.journal.last.lineage
                _set_aside(work, entry.arrival_id, lineage=lineage, why=f"withdrawn: {entry.reason}")
        elif isinstance(entry, Decided) and entry.mlflow_run_id is not None:
            _show(work, entry, entry.mlflow_run_id)
        elif isinstance(entry, Decided):
            _show_refusal(work, entry)
        if is_news(entry, now=now):
            news[entry.seq] = entry
    return news


def _show_refusal(work: Work, decided: Decided) -> None:
    """Show a decision that no absorb came to: a row of its own, and nothing that attempts left looks live."""
    with _going_on():
        log_refusal(work.mlflow, work.target.name, decided)
    if decided.reason_code not in BEFORE_ANY_ATTEMPT:
        why = f"{decided.decision}: {decided.reason_code}"
        _set_aside(work, decided.arrival_id, lineage=decided.lineage, why=why)


def _set_aside(work: Work, arrival_id: str, *, lineage: str, why: str) -> None:
    """Set aside what attempts on an arrival registered, before it ended without a version."""
    set_aside_undecided(
        work.mlflow,
        work.target.name,
        arrival_id=arrival_id,
        lineage=lineage,
        why=why,
        known=work.journal.last.versions,
    )


def _show(work: Work, decided: Decided, mlflow_run_id: str) -> None:
    """Show a decision on whatever is left of its run, its version and its lineage's chart."""
    client, target, outcome = work.mlflow, work.target.name, None
    with _going_on():
        outcome = read_logged(client, mlflow_run_id).outcome
    with _going_on():
        log_decision(client, mlflow_run_id, decided, outcome=outcome)
    if decided.registry_version is not None:
        with _going_on():
            tag_decision(client, target, version=decided.registry_version, decided=decided)
    if decided.index is not None and {"gate_accuracy", "test_accuracy"} <= decided.figures.keys():
        with _going_on():
            log_lineage_point(
                client,
                target,
                lineage=decided.lineage,
                index=decided.index,
                gate_accuracy=decided.figures["gate_accuracy"],
                test_accuracy=decided.figures["test_accuracy"],
            )


@contextmanager
def _going_on() -> Iterator[None]:
    """Go on without what a person deleted: the journal has it all the same."""
    try:
        yield
    except NotThere as error:
        log.warning("%s; what is left is shown", error)
