"""The fold of a target's journal: what every reader needs to know, as briefly as possible."""

import struct
import zlib
from datetime import date
from typing import Literal, NamedTuple, get_args

from pydantic import Field

from tasks.contracts.base import Document, Moment, Name, Period, Rev, Sha256
from tasks.contracts.journal import Decision
from tasks.contracts.manifest import Weights
from tasks.contracts.packed import Packed

SEQ_BYTES = 5
NO_DIGEST = "0" * 64
_DECISIONS: tuple[Decision, ...] = get_args(Decision)


class Brief(Document):
    """What is asked of an open arrival again and again; the rest of its manifest is in the journal."""

    series: Name
    period: Period
    rev: Rev
    weights: Weights


class Open(Document):
    """An accepted arrival that awaits its decision; its manifest is in entry accepted_seq."""

    accepted_seq: int = Field(ge=1)
    etag_mark: int = Field(ge=0, description="see etag_mark")
    since: Moment = Field(description="accepted or requeued: the clock of a blob that is not there")
    brief: Brief | None = Field(default=None, description="null when the manifest could not be read")
    attempts: int = Field(default=0, ge=0, description="that count")
    tries: int = Field(default=0, ge=0, description="all that ever began, those that do not count too")
    last_attempt_at: Moment | None = None
    requeued: bool = Field(default=False, description="a person asked for it, so it is not parked as late")


class Closed(NamedTuple):
    """A decided arrival; the decision is entry seq, the manifest entry accepted_seq."""

    decision: Decision
    seq: int
    accepted_seq: int
    etag_mark: int


class ClosedArrivals(Packed[Closed]):
    """Records of arrival id (32), decision (1), its seq (5), seq of accepted (5), mark of the ETag (4)."""

    KEY_BYTES, VALUE_BYTES = 32, 1 + 2 * SEQ_BYTES + 4

    @staticmethod
    def pack(value: Closed) -> bytes:
        """Write a value as VALUE_BYTES bytes."""
        decision = _DECISIONS.index(value.decision)
        return struct.pack(">B5s5sI", decision, _seq(value.seq), _seq(value.accepted_seq), value.etag_mark)

    @staticmethod
    def unpack(packed: bytes) -> Closed:
        """Read a value back."""
        decision, seq, accepted_seq, mark = struct.unpack(">B5s5sI", packed)
        return Closed(_DECISIONS[decision], _number(seq), _number(accepted_seq), mark)

    def mark(self, digest: bytes) -> int | None:
        """Give the mark of an arrival's ETag; None when the arrival is not closed."""
        packed = self.find(digest)
        return None if packed is None else int.from_bytes(packed[-4:], "big")


class SeqByArrival(Packed[int]):
    """Records of arrival id (32), seq (5)."""

    KEY_BYTES, VALUE_BYTES = 32, SEQ_BYTES

    @staticmethod
    def pack(value: int) -> bytes:
        """Write a value as VALUE_BYTES bytes."""
        return _seq(value)

    @staticmethod
    def unpack(packed: bytes) -> int:
        """Read a value back."""
        return _number(packed)


class SeqByWeights(SeqByArrival):
    """Records of a digest of series, period label and weights (16), seq (5)."""

    KEY_BYTES = 16


class Listing(Document):
    """A full listing of a target's manifests: when it began, on the store's clock, and how many it found."""

    at: Moment
    manifests: int = Field(ge=0)


class Point(Document):
    """A registered version that was decided on."""

    lineage: Name
    role: Literal["candidate", "champion", "retired"] = Field(
        default="candidate", description="champion: is or was one; retired: a person rolled back from it"
    )
    arrival_id: Sha256 | None = None
    index: int | None = None
    span: tuple[date, date] | None = Field(default=None, description="(start, end) of its source")
    gate_accuracy: float | None = None
    data: Sha256 | None = Field(default=None, description="digest of the data that it was measured on")
    served_sha256: Sha256 | None = None
    stem_sha256: Sha256 | None = None
    newest: tuple[date, date] | None = Field(
        default=None, description="greatest (start, end) absorbed up to here"
    )


class Lineage(Document):
    """How far a lineage has come. One that is not the current one holds its decisions back."""

    index: int = Field(default=0, ge=0, description="of its last absorbed source")
    head: int | None = Field(default=None, description="its newest promoted version")
    newest: tuple[date, date] | None = Field(default=None, description="greatest (start, end) absorbed")
    start: int | None = Field(default=None, description="the version of another lineage that it starts from")
    held: ClosedArrivals = Field(default_factory=ClosedArrivals, description="decisions held back")
    held_weights: SeqByWeights = Field(default_factory=SeqByWeights, description="what these absorbed")


class State(Document):
    """The fold of a journal up to seq (0: empty); state.json caches it."""

    schema_version: Literal[1] = 1
    layout: Literal[5] = Field(
        default=5, description="raised when the fold changes: older caches are dropped"
    )
    seq: int = Field(default=0, ge=0)
    before: Sha256 = Field(default=NO_DIGEST, description="the chain up to seq - 1")
    chain: Sha256 = Field(
        default=NO_DIGEST,
        description="SHA-256 of the chain up to seq - 1 and the SHA-256 of entry seq's bytes, both in hex",
    )
    lineage: Name = "main"
    champion: int | None = None
    previous: int | None = None
    paused: bool = False
    changed: int = Field(default=0, ge=0, description="seq of the entry that last changed target.json")
    to_project: int = Field(default=0, ge=0, description="seq of the last entry that MLflow has to show")
    to_project_sha256: Sha256 = Field(default=NO_DIGEST, description="of that entry's bytes")
    lineages: dict[Name, Lineage] = Field(default_factory=dict)
    versions: dict[int, Point] = Field(
        default_factory=dict, description="every registered version decided on"
    )
    open: dict[Sha256, Open] = Field(default_factory=dict)
    closed: ClosedArrivals = Field(default_factory=ClosedArrivals)
    withdrawn: SeqByArrival = Field(default_factory=SeqByArrival)
    weights: SeqByWeights = Field(
        default_factory=SeqByWeights, description="what was absorbed, to the entry that says so"
    )
    listing: Listing | None = Field(default=None, description="the last full one; not folded but observed")
    seal: Sha256 = Field(
        default=NO_DIGEST,
        description="SHA-256 of the file's bytes with 64 zeros in this place, the last",
    )


class Projected(Document):
    """projected.json: the seq up to which MLflow's aliases show the journal."""

    schema_version: Literal[1] = 1
    seq: int = Field(ge=0)
    entry_sha256: Sha256 | None = Field(
        default=None, description="of entry seq's bytes; null in files of older writers"
    )
    champion: int | None = None
    previous: int | None = None


def etag_mark(etag: str) -> int:
    """Shorten an ETag to what tells an overwritten manifest: its CRC-32, 0 for an unknown one."""
    return zlib.crc32(etag.encode())


def _seq(number: int) -> bytes:
    return number.to_bytes(SEQ_BYTES, "big")


def _number(packed: bytes) -> int:
    return int.from_bytes(packed, "big")
