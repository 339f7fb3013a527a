"""The manifest: the contract that a publisher writes beside the weights, last."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tasks.contracts.base import Document, ModelSignature, Moment, Name, Period, Rev, Sha256, Text
from tasks.contracts.keys import blob_key, manifest_key

MAX_BLOB_BYTES = 2**50


class Weights(Document):
    """The content-addressed blob that holds a source's tensors."""

    sha256: Sha256
    size_bytes: int = Field(ge=1, le=MAX_BLOB_BYTES)
    key: str

    @model_validator(mode="after")
    def _content_addressed(self) -> Self:
        if self.key != blob_key(self.sha256):
            raise ValueError(f"weights.key is {self.key!r}, needs {blob_key(self.sha256)!r}")
        return self


class Parent(Document):
    """The model that a source's training started from: a target's version, or another source."""

    weights_sha256: Sha256 = Field(description="of the file that training started from")
    target: Name | None = Field(
        default=None, description="the target whose version it is: its stem, if it has one"
    )
    registry_version: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _version_of_a_target(self) -> Self:
        if (self.target is None) != (self.registry_version is None):
            raise ValueError("parent names one of target and registry_version, needs both or neither")
        return self

    @property
    def words(self) -> str:
        """Name it for people."""
        digest = self.weights_sha256[:12]
        if self.target is None:
            return f"weights {digest}"
        return f"version {self.registry_version} of {self.target} (weights {digest})"


class Manifest(ModelSignature):
    """One immutable published source. With a parent its schema_version is 2: readers of 1 park it."""

    newest_schema: ClassVar[int] = 2

    schema_version: Literal[1, 2] = 1
    series: Name
    rev: Rev
    period: Period
    weights: Weights
    publisher: Text | None = None
    created_at: Moment | None = None
    metrics: dict[Text, float] | None = Field(default=None, max_length=1000)
    parent: Parent | None = Field(default=None, description="needs schema_version 2")

    @model_validator(mode="after")
    def _parent_of_version_2(self) -> Self:
        if self.parent is not None and self.schema_version < 2:
            raise ValueError("parent is named with schema_version 1, needs 2")
        return self

    @property
    def key(self) -> str:
        """Give the key under which this manifest must lie."""
        return manifest_key(self.series, self.period.label, self.rev)
