"""Which versions and blobs something still needs: everything else may be pruned."""

from collections.abc import Iterable, Iterator

from tasks.absorbing.decide import best_earlier
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Accepted
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import read_document
from tasks.contracts.state import State
from tasks.errors import InvalidDocument, NewerSchema, NotThere
from tasks.journal.history import Historian, History, Span, span_of
from tasks.journal.log import Journal
from tasks.journal.targets import target_names
from tasks.lineages.hint import Hint, living_hints


def needed_versions(state: State, *, keep: int, aliased: Iterable[int], data: str) -> set[int]:
    """Say which versions of a target are in use, besides its newest `keep`.

    aliased: versions that MLflow's aliases name, whoever set them. data: digest of the target's data now.
    In use are: champion, previous, the best earlier champion, the newest promoted version and the start of
    every lineage (an unfinished backfill builds on them), and what waits for `grasp promote`.
    """
    newest = sorted(state.versions)[-keep:] if keep else []
    lineages = [version for lineage in state.lineages.values() for version in (lineage.head, lineage.start)]
    waiting = [
        version
        for version, point in state.versions.items()
        if point.role == "candidate" and point.arrival_id and _is_parked(state, point.arrival_id)
    ]
    named = [
        state.champion,
        state.previous,
        best_earlier(state, data=data, lineage=state.lineage, parent=state.champion),
    ]
    return {version for version in (*newest, *lineages, *waiting, *named, *aliased) if version is not None}


def needed_blobs(store: Store, *, target: str, versions: Iterable[int]) -> set[str]:
    """Give the SHA-256 of every blob that is needed: by these versions of a target, or by anything else.

    Needed are the sources of a version and of all its ancestors, what an unfinished rebuild would still
    absorb, whatever is open, parked or unknown to every journal, and all that other targets registered.
    """
    needed: set[str] = set()
    known: set[str] = set()
    for name in {*target_names(store), target}:
        journal = Journal(store, name, by="prune")
        history = Historian(journal).read()
        kept = versions if name == target else history.by_version
        needed |= {sha for version in kept for sha in sources_of(history, version)}
        needed |= set(_undecided(journal, history.state))
        needed |= set(_ahead(history, living_hints(store, journal)))
        known |= {*history.state.closed, *history.state.open}
    return needed | set(_unknown(store, known))


def sources_of(history: History, version: int) -> Iterator[str]:
    """Give the weights' SHA-256 of every source that a version was made from; none of an unknown version."""
    if version in history.by_version:
        yield from (done.source.weights_sha256 for done in history.chain(version) if done.source)


def unfinished(state: State) -> list[str]:
    """Name the lineages beside the current one that hold decisions: the same request goes on with them."""
    return [name for name, each in state.lineages.items() if name != state.lineage and len(each.held) > 0]


def _ahead(history: History, hints: Iterable[Hint]) -> Iterator[str]:
    """Give the weights of what unfinished rebuilds may absorb: rejected sources are tried again, too."""
    state = history.state
    begun = [span for name in unfinished(state) if (span := _earliest(history, name))]
    since = min([*begun, *(hint.since for hint in hints)], default=None)
    for arrival, decided in history.sources():
        tried = state.closed[arrival].decision in ("promoted", "rejected", "parked")
        if (
            since
            and decided.source
            and tried
            and arrival not in state.withdrawn
            and span_of(decided) >= since
        ):
            yield decided.source.weights_sha256


def _earliest(history: History, lineage: str) -> Span | None:
    held = (history.by_seq[closed.seq] for _, closed in history.state.lineages[lineage].held.items())
    return min((span_of(decided) for decided in held if decided.source), default=None)


def _is_parked(state: State, arrival: str) -> bool:
    closed = state.closed.get(arrival)
    return closed is not None and closed.decision == "parked"


def _undecided(journal: Journal, state: State) -> Iterator[str]:
    yield from (opened.brief.weights.sha256 for opened in state.open.values() if opened.brief)
    for closed in state.closed.values():
        if closed.decision == "parked":
            entry = journal.entry(closed.accepted_seq)
            if isinstance(entry, Accepted) and entry.manifest:
                yield from _weights(entry.manifest.encode(), entry.key)


def _unknown(store: Store, known: set[str]) -> Iterator[str]:
    for item in store.list(keys.MANIFESTS):
        if keys.arrival_id(item.key) not in known:
            try:
                yield from _weights(store.get(item.key).body, item.key)
            except NotThere:  # withdrawn just now
                continue


def _weights(manifest: bytes, key: str) -> Iterator[str]:
    try:
        yield read_document(Manifest, manifest, name=key).weights.sha256
    except (InvalidDocument, NewerSchema):
        return  # whatever it names cannot be told
