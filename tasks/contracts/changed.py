"""What every journal entry starts with, and the entries that came with its schema_version 2.

Code that knows only 1 says of these that newer code wrote them, and touches nothing.
"""

from typing import Literal

from pydantic import Field

from tasks.contracts.base import Document, Moment, Sha256, Text

ENTRY_VERSION = 2  # the newest schema_version of an entry that this code reads


class Stamped(Document):
    """When, by whom, and at which place of the journal."""

    schema_version: Literal[1, 2]
    seq: int = Field(ge=1, le=999_999_999_999)
    at: Moment
    by: Text = Field(description="flow run, command or person")


class Change(Document):
    """One setting of a target, before and after; as JSON."""

    name: Text
    before: str = Field(max_length=300_000)
    after: str = Field(max_length=300_000)


class Changed(Stamped):
    """A person changed what target.json says. The document is written afterwards."""

    schema_version: Literal[2] = 2
    kind: Literal["changed"] = "changed"
    changes: tuple[Change, ...] = Field(min_length=1)
    replaced: tuple[Sha256, ...] = Field(
        min_length=1,
        max_length=2,
        description="SHA-256 of the documents that it takes the place of: the one in the bucket, and the one "
        "that a change before it had not written yet",
    )
    document: str = Field(description="target.json as it is from now on")
    reason: Text


class OnGate(Document):
    """How a version does on a data set's gate and test splits."""

    registry_version: int = Field(ge=1)
    gate_accuracy: float = Field(ge=0, le=1)
    test_accuracy: float = Field(ge=0, le=1)
    gate_samples: int = Field(ge=1)


class Measured(Stamped):
    """Champions were measured on the target's new data, before anything is decided on these."""

    schema_version: Literal[2] = 2
    kind: Literal["measured"] = "measured"
    data: Sha256 = Field(description="digest of dataset.json")
    versions: tuple[OnGate, ...] = Field(min_length=1)
