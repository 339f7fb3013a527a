"""What the process of an absorb and its ranks tell each other, as JSON files in the absorb's directory."""

from pathlib import Path
from typing import NamedTuple

from grasp_core.absorbed import Absorbed
from grasp_core.levers import Levers
from grasp_core.models.evaluate import Metrics
from tasks.candidates.candidate import Candidate, Files, Parent
from tasks.candidates.measure import Measured
from tasks.candidates.outcome import correct_of, hits_of
from tasks.contracts.base import Document
from tasks.contracts.dataset import Dataset
from tasks.contracts.target import Target


class Place:
    """The files by name; the absorb's process holds a lock on `alive` as long as the ranks have to go on."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.job, self.alive = directory / "job.json", directory / "alive"
        self.epochs, self.made = directory / "epochs.jsonl", directory / "made.json"

    def failed(self, rank: int) -> Path:
        """Name the file in which a rank says why it failed."""
        return self.directory / f"failed-{rank}.json"


class Arrays(NamedTuple):
    """The .npy files of a split."""

    images: Path
    labels: Path


class Job(Document):
    """What each rank computes. directory: of the candidate's files, rank 0's; threads: of each rank."""

    target: Target
    dataset: Dataset
    digest: str
    arrays: dict[str, Arrays]
    source: Path
    parent: Parent | None
    directory: Path
    device: str
    levers: Levers
    threads: int


class Told(Document):
    """A model on gate and test; hits: one character per gate sample."""

    gate: Metrics
    test: Metrics
    hits: str

    @classmethod
    def of(cls, measured: Measured) -> "Told":
        """Write down what was measured."""
        return cls(gate=measured.gate, test=measured.test, hits=hits_of(measured.correct))

    def measured(self) -> Measured:
        """Read it back."""
        return Measured(gate=self.gate, test=self.test, correct=correct_of(self.hits))


class Made(Document):
    """A candidate, as rank 0 made it."""

    absorbed: Absorbed
    before: Told | None
    after_transfer: Told
    after_fine_tune: Told | None
    files: Files | None
    license: str | None
    source_classes: int | None
    seconds: dict[str, float]
    peak_bytes: dict[str, int]
    gpu: dict[str, float]
    levers: Levers

    @classmethod
    def of(cls, made: Candidate) -> "Made":
        """Write a candidate down."""
        return cls(
            absorbed=made.absorbed,
            before=Told.of(made.before) if made.before else None,
            after_transfer=Told.of(made.after_transfer),
            after_fine_tune=Told.of(made.after_fine_tune) if made.after_fine_tune else None,
            files=made.files,
            license=made.license,
            source_classes=made.source_classes,
            seconds=made.seconds,
            peak_bytes=made.peak_bytes,
            gpu=made.gpu,
            levers=made.levers,
        )

    def candidate(self, *, devices: int) -> Candidate:
        """Read it back."""
        return Candidate(
            absorbed=self.absorbed,
            before=self.before.measured() if self.before else None,
            after_transfer=self.after_transfer.measured(),
            after_fine_tune=self.after_fine_tune.measured() if self.after_fine_tune else None,
            files=self.files,
            license=self.license,
            source_classes=self.source_classes,
            seconds=self.seconds,
            peak_bytes=self.peak_bytes,
            gpu=self.gpu,
            levers=self.levers,
            devices=devices,
        )
