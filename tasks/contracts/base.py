"""What all documents share: frozen, closed models and the names that the bucket allows."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tasks import patterns

SCHEMA_VERSION = 1

Name = Annotated[str, StringConstraints(pattern=patterns.NAME)]
ArchitectureId = Annotated[str, StringConstraints(pattern=patterns.ARCHITECTURE)]
Sha256 = Annotated[str, StringConstraints(pattern=patterns.SHA256)]
FileName = Annotated[str, StringConstraints(pattern=patterns.FILE_NAME)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Rev = Annotated[int, Field(ge=1, le=999_999_999)]
Size = Annotated[int, Field(ge=0, le=2**50)]


_DATE = re.compile(r"\A\d{4}-\d\d-\d\d\Z", re.ASCII)
_MOMENT = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII)


def iso_date(value: Any) -> Any:
    """Read a date as ISO 8601 writes it. pydantic alone would take "1388534400" for one, too."""
    if not isinstance(value, str):
        return value
    if not _DATE.match(value):
        raise ValueError(f"is {value[:40]!r}, needs a date such as 2014-01-01")
    return date.fromisoformat(value)


def iso_moment(value: Any) -> Any:
    """Read a time as ISO 8601 writes it."""
    if not isinstance(value, str):
        return value
    if not _MOMENT.match(value):
        raise ValueError(f"is {value[:40]!r}, needs a time such as 2026-11-21T00:00:00Z")
    return datetime.fromisoformat(value)


def in_utc(moment: datetime) -> datetime:
    """Refuse a naive time, and one that lies outside of the calendar in UTC; give an aware one in UTC."""
    if moment.tzinfo is None:
        raise ValueError("needs a time zone, for example 2026-11-21T00:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside of the years 1 to 9999 in UTC") from error


IsoDate = Annotated[date, BeforeValidator(iso_date)]
Moment = Annotated[datetime, BeforeValidator(iso_moment), AfterValidator(in_utc)]


class Document(BaseModel):
    """Base of every document: immutable, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    newest_schema: ClassVar[int] = SCHEMA_VERSION  # the greatest schema_version of it that this code reads


class Period(Document):
    """An interval of time with a label; both dates are inclusive."""

    label: Name
    start: IsoDate
    end: IsoDate

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start > self.end:
            raise ValueError(f"period {self.label} ends on {self.end}, before its start {self.start}")
        return self


class Architecture(Document):
    """Which network, and the two sizes that its ends depend on."""

    id: ArchitectureId
    in_channels: int = Field(ge=1, le=64)
    num_classes: int = Field(ge=2, le=100_000)


class InputSpec(Document):
    """The image a model sees: uint8 / 255, then (x - mean) / std per channel."""

    height: int = Field(ge=1, le=4096)
    width: int = Field(ge=1, le=4096)
    channels: int = Field(ge=1, le=64)
    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]

    @model_validator(mode="after")
    def _one_per_channel(self) -> Self:
        for field in ("mean", "std"):
            if len(getattr(self, field)) != self.channels:
                raise ValueError(
                    f"{field} has {len(getattr(self, field))} values for {self.channels} channels"
                )
        return self


def unique_classes(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that names one class twice."""
    twice = sorted({name for name in classes if classes.count(name) > 1}) if len(classes) < 5000 else []
    if twice or len(set(classes)) != len(classes):
        raise ValueError(f"classes are not unique: {', '.join(map(ascii, twice[:5])) or 'some stand twice'}")
    return classes


Classes = Annotated[tuple[Text, ...], Field(min_length=2), AfterValidator(unique_classes)]


class ModelSignature(Document):
    """What a source and a target must share to be comparable, tensor by tensor and class by class."""

    architecture: Architecture
    classes: Classes
    input: InputSpec

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if len(self.classes) != self.architecture.num_classes:
            raise ValueError(
                f"{len(self.classes)} classes are named, architecture.num_classes is "
                f"{self.architecture.num_classes}"
            )
        if self.input.channels != self.architecture.in_channels:
            raise ValueError(
                f"input.channels is {self.input.channels}, architecture.in_channels is "
                f"{self.architecture.in_channels}"
            )
        return self
