"""The manifest: the contract that a publisher writes beside the weights, last."""

from typing import Literal, Self

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


class Manifest(ModelSignature):
    """One immutable published source."""

    schema_version: Literal[1] = 1
    series: Name
    rev: Rev
    period: Period
    weights: Weights
    publisher: Text | None = None
    created_at: Moment | None = None
    metrics: dict[Text, float] | None = Field(default=None, max_length=1000)

    @property
    def key(self) -> str:
        """Give the key under which this manifest must lie."""
        return manifest_key(self.series, self.period.label, self.rev)
