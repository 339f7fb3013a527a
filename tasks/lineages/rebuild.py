"""A lineage to build beside the current one, named by what it is made from; and how far it is."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from tasks.contracts.journal import Decided
from tasks.contracts.target import AbsorbSettings
from tasks.journal.history import Span

Kind = Literal["backfill", "retract", "replay"]
LABEL_SHOWN = 40  # characters of a period's label in a lineage's name, which has at most 63


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuild:
    """A lineage to build beside the current one. origin: the lineage that it may take the place of.

    start: the version that it begins from; None begins with its first source. since, until: spans between
    which sources are absorbed again; until is None for all that follow. without: names, as series/period;
    include: names that come in although they were rolled back or left out before.
    excluded: arrivals that stay out because of what people did before: withdrawn, rolled back, left out.
    began: seq of the journal when it began; `until` says nothing of what was decided behind it, so that what
    the current lineage absorbs meanwhile is not lost. No part of the name.
    """

    target: str
    kind: Kind
    label: str
    origin: str
    start: int | None
    since: Span
    until: Span | None
    without: frozenset[str]
    include: frozenset[str] = frozenset()
    settings: AbsorbSettings
    data: str
    excluded: frozenset[str] = frozenset()
    began: int = 0

    @property
    def lineage(self) -> str:
        """Name the lineage by what it is made from, so that the same request finds it again."""
        parts = {
            "target": self.target,
            "origin": self.origin,
            "start": self.start,
            "since": [str(day) for day in self.since],
            "until": [str(day) for day in self.until or ()],
            "without": sorted(self.without),
            "include": sorted(self.include),
            "settings": self.settings.model_dump(mode="json"),
            "data": self.data,
            "excluded": sorted(self.excluded),
        }
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return f"{self.kind}-{self.label[:LABEL_SHOWN]}-{digest[:10]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source of a rebuilt lineage: its arrival, the journal's copy of its manifest, what became of it."""

    arrival_id: str
    accepted_seq: int
    decided: Decided


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A source that the current lineage decided on and the rebuilt one does not take.

    asked: it is left out by this request, not by what people did before.
    """

    arrival_id: str
    name: str
    why: str
    asked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How far a rebuild is. origin_index: how far the lineage that it may replace has come meanwhile."""

    todo: tuple[Source, ...]
    done: tuple[Source, ...]
    left_out: tuple[LeftOut, ...]
    champion: int | None
    origin_index: int

    @property
    def excluded(self) -> frozenset[str]:
        """Name the arrivals that stay out whatever is asked."""
        return frozenset(each.arrival_id for each in self.left_out if not each.asked)
