"""The sources that a version was made from, kept beside its weights so that it explains itself."""

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from tasks.contracts.base import Document
from tasks.contracts.journal import SourceRef
from tasks.contracts.manifest import Parent


class Ancestor(Document):
    """One source of a version's lineage and what became of it."""

    index: int = Field(ge=1)
    source: SourceRef
    choice: str
    alpha: float | None
    license: str | None = Field(default=None, description="as the source's file stated it")
    parent: Parent | None = Field(default=None, description="what the source's training started from")
    classes: int | None = Field(
        default=None,
        description="how many classes it knew, from the first on; absent: all that the target had then",
    )

    @model_serializer(mode="wrap")
    def _without_what_is_absent(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what older readers would not know, where it says nothing."""
        written: dict[str, Any] = write(self)
        for name in ("parent", "classes"):
            if getattr(self, name) is None:
                written.pop(name, None)
        return written


class Ancestry(Document):
    """Every source of a version's lineage, oldest first."""

    schema_version: Literal[1] = 1
    ancestors: tuple[Ancestor, ...] = ()
