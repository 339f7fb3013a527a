"""Errors of a rank, told to the process of the absorb, where they mean what they mean without ranks."""

import signal
from collections.abc import Iterator, Mapping

from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from tasks.candidates.ranks.documents import Place
from tasks.contracts.base import Document
from tasks.disk import disk_trouble
from tasks.errors import BadArrival, GraspError, NoSpace, RankLost, Refusal


class Refused(Document):
    """The fields of a BadArrival."""

    code: Refusal
    object: str
    found: str
    needed: str
    next: str


class Failed(Document):
    """An error's class and words."""

    kind: str
    said: str
    refused: Refused | None = None


def failed(error: Exception) -> Failed:
    """Write an error down."""
    if isinstance(error, BadArrival):
        fields = {name: getattr(error, name) for name in Refused.model_fields}
        return Failed(kind=BadArrival.__name__, said=str(error), refused=Refused(**fields))
    if trouble := disk_trouble(error):
        said = f"{trouble} ({type(error).__name__}: {error}); make room, it is tried again"
        return Failed(kind=NoSpace.__name__, said=said)
    return Failed(kind=type(error).__name__, said=str(error))


def cause(failures: Mapping[int, ProcessFailure], place: Place, *, ranks: int, subject: str) -> Exception:
    """Say what ended the ranks: an error of ours before all, then a signal, then any other error.

    A rank that loses another one fails too, in torch's words, and the launcher ends those that are left.
    """
    told = {
        rank: Failed.model_validate_json(place.failed(rank).read_bytes())
        for rank in range(ranks)
        if place.failed(rank).exists()
    }
    for each in told.values():
        if each.refused:
            return BadArrival(**each.refused.model_dump())
        if each.kind in _KINDS:
            return _KINDS[each.kind](each.said)
    killed = {rank: -failure.exitcode for rank, failure in failures.items() if failure.exitcode < 0}
    by_launcher = [rank for rank, number in killed.items() if number == signal.SIGTERM]
    for rank in [rank for rank in killed if rank not in by_launcher] or by_launcher * (not told):
        return RankLost(
            f"rank {rank} of {ranks} (process {failures[rank].pid}) was killed by "
            f"{signal.Signals(killed[rank]).name} while it absorbed {subject}; needs all ranks to their end; "
            "the others were ended, and it is tried again"
        )
    for rank, each in told.items():
        return RuntimeError(f"rank {rank} of {ranks}, absorbing {subject}: {each.kind}: {each.said}")
    rank, failure = next(iter(failures.items()))
    return RuntimeError(f"rank {rank} of {ranks}, absorbing {subject}: ended with code {failure.exitcode}")


def _below(kind: type[GraspError]) -> Iterator[type[GraspError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


_KINDS = {each.__name__: each for each in _below(GraspError) if each is not BadArrival}
