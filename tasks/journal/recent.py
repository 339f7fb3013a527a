"""The newest decisions of a target, and how many of each kind there are."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from tasks.contracts.journal import Decided, Decision
from tasks.journal.log import READERS, Journal

ORDER: tuple[Decision, ...] = ("promoted", "rejected", "duplicate", "quarantined", "parked")


def recent_decisions(journal: Journal, *, last: int = 20) -> list[Decided]:
    """Read the newest decisions that count now, newest first; as of the journal last read."""
    newest = sorted((closed.seq for closed in journal.last.closed.values()), reverse=True)[:last]
    with ThreadPoolExecutor(READERS) as pool:
        return [entry for entry in pool.map(journal.entry, newest) if isinstance(entry, Decided)]


def decided_since(journal: Journal, seq: int) -> str:
    """Say what was decided behind seq, as `5 promoted, 2 rejected`; `nothing decided` when nothing was."""
    return tally(entry for entry in journal.entries(after=seq) if isinstance(entry, Decided))


def tally(decisions: Iterable[Decided]) -> str:
    """Count decisions by kind, in words."""
    counts = Counter(decided.decision for decided in decisions)
    said = [f"{counts[decision]} {decision}" for decision in ORDER if counts[decision]]
    return ", ".join(said) or "nothing decided"
