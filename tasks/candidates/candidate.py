"""What an absorb is given of the version before, and what it makes."""

from dataclasses import dataclass, field
from pathlib import Path

from grasp_core.absorbed import Absorbed
from grasp_core.levers import OFF, Levers
from tasks.candidates.measure import Measured


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """The files of the version that an absorb builds on; stem is None where the served model is the stem."""

    registry_version: int
    served: Path
    stem: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """A candidate's files; no stem where the served model is its own stem (reference mode)."""

    served: Path
    served_sha256: str
    stem: Path | None = None
    stem_sha256: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """What an absorb made. files and after_fine_tune are None when the stem stayed unchanged."""

    absorbed: Absorbed
    before: Measured | None
    after_transfer: Measured
    after_fine_tune: Measured | None = None
    files: Files | None = None
    license: str | None = None  # as the source's file states it
    source_classes: int | None = None  # that the source knew, where it was fewer than all
    seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    gpu: dict[str, float] = field(default_factory=dict)  # NVML's figures, where there are any
    levers: Levers = OFF
    devices: int = 1  # ranks that computed it together
