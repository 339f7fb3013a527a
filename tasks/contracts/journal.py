"""Journal entries: the commits of a target, one closed list of kinds."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.contracts.base import Document, Name, Period, Rev, Sha256, Size, Text
from tasks.contracts.changed import Changed, Measured, Stamped
from tasks.errors import Refusal

Decision = Literal["promoted", "rejected", "quarantined", "parked", "duplicate"]

ReasonCode = Literal[
    # promoted
    "first",
    "non_inferior",
    "better",
    "always",
    # rejected
    "no_gain",
    "worse_than_champion",
    "worse_than_best",
    "not_better",
    "absurd_loss",
    # parked: waits for a person
    "manual",
    Refusal,
    # quarantined by a person's word
    "retracted",
]


class Reason(Document):
    """Why, for a person: which object, what was found, what was needed, what happens now."""

    object: str = Field(max_length=2000)
    found: str = Field(max_length=4000)
    needed: str = Field(max_length=4000)
    next: str = Field(max_length=2000)


class SourceRef(Document):
    """The source that an arrival brought, as far as its manifest could be read."""

    series: Name
    period: Period
    rev: Rev
    weights_sha256: Sha256


class Digests(Document):
    """What a decision was computed from: SHA-256 of the absorb settings and of dataset.json, code version."""

    config: Sha256
    data: Sha256
    code: Text


class _Entry(Stamped):
    schema_version: Literal[1] = 1


class Accepted(_Entry):
    """The first read of a manifest: its bytes, kept here, are what everything later uses."""

    kind: Literal["accepted"] = "accepted"
    arrival_id: Sha256
    key: Text
    manifest: str | None = Field(
        description="the bytes as text; null when they are not UTF-8 or over 256 KiB"
    )
    size_bytes: Size
    digest: Sha256 | None = Field(description="SHA-256 of the bytes; null when over 256 KiB")
    etag: str


class Attempted(_Entry):
    """A unit of work begins; written before it, so that a death is seen."""

    kind: Literal["attempted"] = "attempted"
    arrival_id: Sha256
    n: int = Field(ge=1)
    flow_run: Text


class Decided(_Entry):
    """The verdict on an arrival: the commit of an absorb."""

    kind: Literal["decided"] = "decided"
    arrival_id: Sha256
    decision: Decision
    reason_code: ReasonCode
    reason: Reason
    source: SourceRef | None = None
    lineage: Name = "main"
    index: int | None = Field(
        default=None, ge=1, description="position in the lineage; only absorbed sources"
    )
    registry_version: int | None = Field(default=None, ge=1)
    parent_version: int | None = Field(default=None, ge=1)
    weights_sha256: Sha256 | None = Field(default=None, description="of the served model's file")
    stem_sha256: Sha256 | None = Field(default=None, description="of the stem's file")
    mlflow_run_id: str | None = None
    figures: dict[str, float] = Field(default_factory=dict)
    digests: Digests | None = None


class Requeued(_Entry):
    """An arrival is to be tried again: a decided one, or one whose attempt ended without a decision."""

    kind: Literal["requeued"] = "requeued"
    arrival_id: Sha256
    reason: Text
    attempts: int = Field(default=0, ge=0, description="attempts that still count")


class Withdrawn(_Entry):
    """A manifest was deleted, or a person retracts the arrival."""

    kind: Literal["withdrawn"] = "withdrawn"
    arrival_id: Sha256
    reason: Text


class Promoted(_Entry):
    """A person promotes a version."""

    kind: Literal["promoted"] = "promoted"
    arrival_id: Sha256 | None = None
    registry_version: int = Field(ge=1)
    reason: Text


class RolledBack(_Entry):
    """A person moves the champion to an earlier version."""

    kind: Literal["rolled_back"] = "rolled_back"
    registry_version: int = Field(ge=1)
    reason: Text


class Switched(_Entry):
    """Another lineage becomes the current one, with its newest version as champion."""

    kind: Literal["switched"] = "switched"
    lineage: Name
    registry_version: int = Field(ge=1)
    reason: Text


class Paused(_Entry):
    """Nothing is absorbed until resumed."""

    kind: Literal["paused"] = "paused"
    reason: Text


class Resumed(_Entry):
    """Absorbing goes on."""

    kind: Literal["resumed"] = "resumed"
    reason: Text


Entry = Annotated[
    Accepted
    | Attempted
    | Decided
    | Requeued
    | Withdrawn
    | Promoted
    | RolledBack
    | Switched
    | Paused
    | Resumed
    | Changed
    | Measured,
    Field(discriminator="kind"),
]
