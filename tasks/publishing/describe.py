"""What a publisher says of a source: from a file and a few words to a manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.contracts.base import Architecture, InputSpec, ModelSignature
from tasks.contracts.keys import blob_key
from tasks.contracts.manifest import Manifest, Parent, Weights
from tasks.contracts.writing import document_bytes, need_room
from tasks.errors import InvalidDocument
from tasks.problems import first_problem
from tasks.publishing.publish import weights_of

PHOTOGRAPHS = InputSpec(
    height=224, width=224, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)
INPUTS = {"grasp/digits-cnn": InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a source stands: its series, period (ISO dates, inclusive) and rev."""

    series: str
    period: str
    start: str
    end: str
    rev: int = 1


def usual_input(architecture: str) -> InputSpec:
    """Give the image that an architecture usually sees: 224 x 224 photographs, ImageNet's normalisation."""
    return INPUTS.get(architecture, PHOTOGRAPHS)


def signature_of(
    architecture: str, classes: tuple[str, ...], spec: InputSpec | None = None
) -> ModelSignature:
    """Say what a model is. Raises InvalidDocument."""
    need_room(classes, name=architecture)
    seen = spec or usual_input(architecture)
    try:
        network = Architecture(id=architecture, in_channels=seen.channels, num_classes=len(classes))
        return ModelSignature(architecture=network, classes=classes, input=seen)
    except ValidationError as error:
        raise InvalidDocument(f"{architecture}: {first_problem(error)}; nothing was published") from error


def check_place(signature: ModelSignature, place: Place, *, publisher: str) -> None:
    """Raise InvalidDocument where a manifest could not say this, before weights are made for it."""
    unmade = Weights(sha256="0" * 64, size_bytes=1, key=blob_key("0" * 64))
    fields = {**_said(signature, place), "weights": unmade, "publisher": publisher or None}
    try:
        Manifest.model_validate(fields)
    except ValidationError as error:
        raise InvalidDocument(
            f"{place.series} {place.period}: {first_problem(error)}; nothing was trained"
        ) from error


def _said(signature: ModelSignature, place: Place) -> dict[str, Any]:
    return {
        **{name: getattr(signature, name) for name in ("architecture", "classes", "input")},
        "series": place.series,
        "rev": place.rev,
        "period": {"label": place.period, "start": place.start, "end": place.end},
    }


def describe(
    file: Path,
    signature: ModelSignature,
    *,
    place: Place,
    publisher: str | None = None,
    metrics: Mapping[str, float] | None = None,
    parent: Parent | None = None,
) -> Manifest:
    """Write the manifest of a weights file. Raises InvalidDocument that names the field."""
    fields: dict[str, Any] = {
        "schema_version": 2 if parent else 1,  # who knows 1 only can read what names no parent
        "parent": parent,
        **_said(signature, place),
        "weights": weights_of(file),
        "created_at": datetime.now(UTC).replace(microsecond=0),
        "publisher": publisher or None,
        "metrics": dict(metrics) if metrics else None,
    }
    try:
        manifest = Manifest.model_validate(fields)
    except ValidationError as error:
        raise InvalidDocument(f"{file}: {first_problem(error)}; nothing was published") from error
    document_bytes(manifest, name=f"{file}: its manifest")
    return manifest
