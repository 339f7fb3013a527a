"""The sources that a version was made from, kept beside its weights so that it explains itself."""

from typing import Literal

from pydantic import Field

from tasks.contracts.base import Document
from tasks.contracts.journal import SourceRef


class Ancestor(Document):
    """One source of a version's lineage and what became of it."""

    index: int = Field(ge=1)
    source: SourceRef
    choice: str
    alpha: float | None
    license: str | None = Field(default=None, description="as the source's file stated it")


class Ancestry(Document):
    """Every source of a version's lineage, oldest first."""

    schema_version: Literal[1] = 1
    ancestors: tuple[Ancestor, ...] = ()
