"""What a person may ask of a backfill: the parameters of the command, and of the form in Prefect's UI."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, create_model, model_validator
from pydantic.fields import FieldInfo

from tasks.contracts.base import Document, Name
from tasks.contracts.target import AbsorbSettings

_SOURCE = re.compile(r"\A[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9][a-z0-9_-]{0,62}\Z")


def _source(text: str) -> str:
    if not _SOURCE.match(text):
        raise ValueError(f"{text!r} names no source, needs series/period such as digits/2014")
    return text


SourceName = Annotated[str, AfterValidator(_source)]


def _optional(field: FieldInfo) -> tuple[Any, Any]:
    kind: Any = field.annotation
    bounded = Annotated[kind, *field.metadata] if field.metadata else kind
    return bounded | None, Field(default=None, description=f"{field.description}; empty: as the target's")


_FIELDS: dict[str, Any] = {name: _optional(field) for name, field in AbsorbSettings.model_fields.items()}
SettingChanges: type[Document] = create_model(
    "SettingChanges",
    __base__=Document,
    __doc__="Settings of an absorb that differ from the target's.",
    __module__=__name__,
    **_FIELDS,
)


class BackfillRequest(Document):
    """Absorb periods again, in order, from the version before them, as a new lineage."""

    from_period: Name = Field(
        title="From period",
        description="label of the first period to absorb again, such as 2014",
        examples=["2014"],
    )
    to_period: Name | None = Field(
        default=None,
        title="To period",
        description="label of the last one; what was decided of later periods is then not part of it",
    )
    without: tuple[SourceName, ...] = Field(
        default=(),
        max_length=1000,
        description="sources to leave out, each as series/period, such as digits/2015",
    )
    include: tuple[SourceName, ...] = Field(
        default=(),
        max_length=1000,
        description="sources to take in although their versions were rolled back or left out before",
    )
    config: SettingChanges = Field(
        default=SettingChanges(),
        description="settings of an absorb that differ from the target's, for this lineage only: sources "
        "that arrive later are absorbed with the target's",
    )
    then: Literal["print", "compare", "apply"] = Field(
        default="print",
        description="print: only say what would happen and what it costs; compare: compute the lineage and "
        "leave the champion alone; apply: compute it, and switch to it if the gate agrees",
    )

    @model_validator(mode="after")
    def _unique(self) -> Self:
        named = [*self.without, *self.include]
        if len(set(named)) != len(named):
            raise ValueError("without and include name a source twice")
        return self

    def settings(self, of: AbsorbSettings) -> AbsorbSettings:
        """Give the target's settings with the changes made. Raises pydantic's ValidationError."""
        changes = {name: value for name, value in self.config if value is not None}
        return AbsorbSettings.model_validate(of.model_dump() | changes)
