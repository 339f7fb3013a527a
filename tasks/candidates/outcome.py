"""What an absorb came to, as outcome.json in MLflow: every figure that a later decision needs."""

import hashlib
import json
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks import patterns
from tasks.arrivals.unit import Unit
from tasks.contracts.base import Document, Sha256


class Score(Document):
    """A model on one split; loss is mean cross-entropy."""

    accuracy: float = Field(ge=0, le=1)
    loss: float
    samples: int = Field(ge=1)


class Scores(Document):
    """A model on the splits that decide and report. gate_hits: "1" per gate sample that it got right."""

    gate: Score
    test: Score
    gate_hits: str = Field(pattern=patterns.BITS)


class Outcome(Document):
    """The figures of one absorb. model_id and the digests are absent when it left the model unchanged."""

    schema_version: Literal[1] = 1
    unit_key: Sha256
    mode: str
    choice: str
    alpha: float | None
    scalars_transferred: int = Field(ge=0)
    scalars_total: int = Field(ge=1)
    before: Scores | None
    after_transfer: Scores
    after_fine_tune: Scores | None
    val_accuracy: dict[str, float]
    seconds: dict[str, float]
    peak_bytes: dict[str, int]
    environment: dict[str, str]
    images_per_s: float | None = None  # that the fine-tune trained on
    gpu: dict[str, float] = Field(default_factory=dict)  # NVML's figures during the fine-tune
    statistics: float | None = Field(default=None, ge=0, le=1)  # the labels' share in those of batch norm
    model_id: str | None = None
    served_sha256: Sha256 | None = None
    stem_sha256: Sha256 | None = None

    @property
    def transferred_fraction(self) -> float:
        """Give the part of the parameters that has something of the source in it, in [0, 1]."""
        return self.scalars_transferred / self.scalars_total

    @property
    def result(self) -> Scores:
        """Give the scores of the model that the absorb ended with: an unchanged one is the parent's."""
        return self.after_fine_tune or self.before or self.after_transfer

    def body(self) -> bytes:
        """Give the document as it is stored."""
        return self.model_dump_json(indent=1).encode()


def stages(outcome: Outcome) -> dict[str, Scores]:
    """Name the models that an absorb measured, in order."""
    named = {
        "before": outcome.before,
        "after transfer": outcome.after_transfer,
        "after fine-tune": outcome.after_fine_tune,
    }
    return {name: scores for name, scores in named.items() if scores is not None}


def unit_key(unit: Unit) -> str:
    """Name what a unit computes: equal keys, equal result. Code version and index are not part of it."""
    parts = (
        unit.target,
        unit.lineage,
        unit.arrival_id,
        unit.source.weights_sha256,
        unit.parent_version,
        unit.digests.config,
        unit.digests.data,
        unit.seed,
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def hits_of(correct: NDArray[np.bool_]) -> str:
    """Write one character per sample: 1 right, 0 wrong."""
    return "".join("1" if hit else "0" for hit in correct.tolist())


def correct_of(hits: str) -> NDArray[np.bool_]:
    """Read hits back: one bool per sample."""
    return np.array([hit == "1" for hit in hits], dtype=np.bool_)
