"""target.json: what a target absorbs, into what, with which data, configuration and gate."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from grasp_core.config import AbsorbConfig
from tasks import patterns
from tasks.contracts.base import Document, IsoDate, ModelSignature, Name

DatasetKey = Annotated[str, StringConstraints(pattern=patterns.DATASET_KEY)]


class AbsorbSettings(Document):
    """Hyper-parameters of an absorb: the core's AbsorbConfig with its defaults, bounds, and augmentation."""

    mode: Literal["guarded", "reference"] = Field(
        default="guarded", description="guarded (default) or reference, as in the paper"
    )
    folds: int = Field(
        default=4, ge=1, le=64, description="guarded mode: 1 is one plain fine-tune, more the guarded one"
    )
    threshold: float = Field(
        default=0.3,
        ge=-1,
        le=1,
        description="gradient cosine above which a tensor is transferred, reference mode",
    )
    alignment_batches: int = Field(
        default=1, ge=1, le=100_000, description="batches whose gradients are compared, reference mode"
    )
    epochs: int = Field(default=3, ge=1, le=10_000, description="of a fine-tune")
    initial_epochs: int = Field(
        default=3, ge=1, le=10_000, description="of the fine-tune that makes the first target"
    )
    lr: float = Field(default=5e-5, gt=0, le=10, description="learning rate")
    weight_decay: float = Field(default=0.01, ge=0, le=10, description="of AdamW")
    batch_size: int = Field(default=32, ge=1, le=65_536, description="samples per step")
    seed: int = Field(default=0, ge=0, lt=2**63, description="of every random number")
    augment: Literal["none", "photographs"] = Field(
        default="none", description="photographs: each epoch crops, flips and colours them anew"
    )

    def config(self) -> AbsorbConfig:
        """Give the core's frozen configuration; what is done to images is a matter of the data."""
        return AbsorbConfig(**self.model_dump(exclude={"augment"}))


class GateSettings(Document):
    """The promotion rule: margin in accuracy (0.01 = one point), confidence of the one-sided McNemar test."""

    policy: Literal["non_inferior", "improves", "always", "manual"] = "non_inferior"
    margin: float = Field(default=0.01, ge=0, le=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


def _no_twins(series: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(series)) != len(series):
        raise ValueError(f"series are not unique: {', '.join(series)}")
    return series


class Target(ModelSignature):
    """The named thing that a team owns: a model that absorbs sources."""

    schema_version: Literal[1] = 1
    name: Name
    series: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000), AfterValidator(_no_twins)]
    dataset: DatasetKey
    absorb: AbsorbSettings = AbsorbSettings()
    gate: GateSettings = GateSettings()
    late: Literal["append", "replay", "park"] = "append"
    paused: bool = False
    from_: IsoDate | None = Field(
        default=None, alias="from", description="first day that a period may start on"
    )
    until: IsoDate | None = Field(default=None, description="last day that a period may end on")
    grown_from: int | None = Field(
        default=None,
        ge=2,
        description="how many classes it had before others were added at the end; a source may know so many, "
        "or more, from the first on",
    )

    devices: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="processes of one worker that absorb a source together, each on a GPU of its own, or all "
        "on the CPU; absent: one",
    )

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.from_ and self.until and self.from_ > self.until:
            raise ValueError(f"from {self.from_} lies after until {self.until}")
        if self.grown_from and self.grown_from >= len(self.classes):
            raise ValueError(
                f"grown_from is {self.grown_from}, needs fewer than the {len(self.classes)} classes"
            )
        return self

    def with_classes(self, classes: tuple[str, ...]) -> Self:
        """Give the target with other classes, not checked; grown_from stays where it still says something."""
        network = self.architecture.model_copy(update={"num_classes": len(classes)})
        grown = self.grown_from if self.grown_from and self.grown_from < len(classes) else None
        return self.model_copy(update={"classes": classes, "architecture": network, "grown_from": grown})

    def needed_of(self, known: int) -> ModelSignature:
        """Give what a source of so many classes has to be: the target, or its first classes as once."""
        once = self.grown_from is not None and self.grown_from <= known < len(self.classes)
        like = self.with_classes(self.classes[:known]) if once else self
        return ModelSignature(architecture=like.architecture, classes=like.classes, input=like.input)
