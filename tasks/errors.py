"""Errors at the pipeline's edges, in the core's tree: terminal ends in a decision, transient is retried."""

from typing import Literal

from grasp_core.errors import GraspError, TerminalError, TransientError
from tasks.credentials.redact import redacted
from tasks.printable import printable

__all__ = [
    "AlreadyThere",
    "BadArrival",
    "BlobChanged",
    "GraspError",
    "InvalidCheckpoint",
    "InvalidDocument",
    "InvalidSettings",
    "JournalMoved",
    "NewerSchema",
    "NoSpace",
    "NotInstalled",
    "NotThere",
    "OperationRefused",
    "OrchestrationRefused",
    "OrchestrationUnavailable",
    "RankLost",
    "Refusal",
    "StoreRefused",
    "StoreUnavailable",
    "StoredDiffers",
    "TerminalError",
    "TrackingRefused",
    "TrackingUnavailable",
    "TransientError",
]


class _Terminal(TerminalError):
    """What no retry mends, said without credentials: a library's words may be among ours."""

    def __init__(self, *said: object) -> None:
        super().__init__(*(redacted(each) if isinstance(each, str) else each for each in said))


class _Transient(TransientError):
    """What a retry may mend, said without credentials."""

    def __init__(self, *said: object) -> None:
        super().__init__(*(redacted(each) if isinstance(each, str) else each for each in said))


class NotInstalled(_Terminal):
    """An extra of the package is needed that is not installed here; the message names it."""


class InvalidSettings(_Terminal):
    """A setting is missing or wrong; the message names its variable."""


class InvalidCheckpoint(_Terminal):
    """A publisher's torch file does not hold the tensors of its architecture, or more than tensors."""


class InvalidDocument(_Terminal):
    """A JSON document breaks its contract."""


class OperationRefused(_Terminal):
    """What a person asked for makes no sense as things are."""


class NewerSchema(_Terminal):
    """A document's schema_version is newer than this code knows."""


class NotThere(_Terminal):
    """An object, target or version that was asked for does not exist."""


class AlreadyThere(_Terminal):
    """A create-only write found the key taken."""


class StoreRefused(_Terminal):
    """The store answered no: credentials, permissions, bucket, or a feature that we need."""


class StoreUnavailable(_Transient):
    """The store did not answer, or answered that it cannot now."""


class TrackingRefused(_Terminal):
    """The MLflow server answered no: credentials, permissions, or a request that it does not allow."""


class StoredDiffers(_Terminal):
    """A registered version's bytes are not those that were logged."""


class TrackingUnavailable(_Transient):
    """The MLflow server did not answer, or answered that it cannot now."""


class OrchestrationRefused(_Terminal):
    """The Prefect server answered no: an unknown deployment, permissions, a request that it refuses."""


class OrchestrationUnavailable(_Transient):
    """The Prefect server did not answer, or answered that it cannot now."""


class BlobChanged(_Transient):
    """A blob that was there is absent or shorter now: its arrival waits for it again."""


class NoSpace(_Transient):
    """The disk of this machine is full, or does not take or give what it should."""


class RankLost(_Transient):
    """One of the processes that absorb a source together was killed; the others were ended."""


class JournalMoved(_Transient):
    """Another writer appended first; read on and think again."""


Refusal = Literal[
    # parked: waits for a person
    "newer_schema",
    "attempts_exhausted",
    "late",
    # duplicate
    "same_weights",
    # quarantined
    "manifest_invalid",
    "manifest_key",
    "architecture",
    "classes",
    "input",
    "blob_missing",
    "blob_size",
    "blob_digest",
    "weights_format",
    "weights_tensors",
    "weights_values",
    "loss",
]


class BadArrival(_Terminal):
    """An arrival that is refused: carries what the journal's `decided` entry says about it."""

    def __init__(
        self,
        code: Refusal,
        *,
        object: str,  # noqa: A002 - the journal's word
        found: str,
        needed: str,
        next: str = "quarantined; publish a corrected source under a new rev",  # noqa: A002
    ) -> None:
        self.code: Refusal = code
        self.object, self.next = printable(object, limit=2000), printable(next, limit=2000)
        self.found, self.needed = printable(found), printable(needed)
        super().__init__(f"{self.object}: found {self.found}; needed {self.needed}; {self.next}")
