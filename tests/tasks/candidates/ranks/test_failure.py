"""An error of a rank means to the absorb what it means without ranks; a killed rank is one to try again."""

import errno
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from grasp_core.errors import IncompatibleSource, NonFiniteLoss
from tasks.candidates.ranks.documents import Place
from tasks.candidates.ranks.failure import cause, failed
from tasks.errors import BadArrival, GraspError, NoSpace, RankLost, TransientError


def ended(**codes: int):
    """Failures as torch tells them: exit codes by rank."""
    return {int(rank[1:]): SimpleNamespace(exitcode=code, pid=70) for rank, code in codes.items()}


def meant(place: Place, failures, **errors: Exception) -> Exception:
    for rank, error in errors.items():
        place.failed(int(rank[1:])).write_text(failed(error).model_dump_json())
    return cause(failures, place, ranks=2, subject="a source into t")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("kind", [NonFiniteLoss, IncompatibleSource, NoSpace])
def test_an_error_of_ours_arrives_as_it_was(place: Place, kind: type[GraspError]):
    error = meant(place, ended(r0=-15, r1=1), r1=kind("tensor a; nothing was changed"))
    assert type(error) is kind
    assert str(error) == "tensor a; nothing was changed"


def test_a_refusal_arrives_with_all_that_the_journal_says(place: Place):
    refusal = BadArrival("weights_values", object="m", found="NaN", needed="finite", next="quarantined")
    error = meant(place, ended(r0=1, r1=1), r0=refusal)
    assert isinstance(error, BadArrival)
    assert vars(error) == vars(refusal)


def test_a_full_disk_of_a_rank_is_nobodys_fault(place: Place):
    error = meant(place, ended(r0=1), r0=OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(error, NoSpace)
    assert "disk is full" in str(error)


def test_a_killed_rank_is_named_and_tried_again_whatever_the_others_say(place: Place):
    lost = ConnectionError("Connection closed by peer")
    error = meant(place, ended(r0=1, r1=-signal.SIGKILL), r0=lost)
    assert isinstance(error, RankLost)
    assert isinstance(error, TransientError)
    assert "rank 1 of 2 (process 70) was killed by SIGKILL while it absorbed a source into t" in str(error)
    assert "tried again" in str(error)


def test_the_launchers_own_signal_is_not_the_cause_where_another_is(place: Place):
    error = meant(place, ended(r0=-signal.SIGTERM, r1=-signal.SIGSEGV))
    assert "rank 1 of 2 (process 70) was killed by SIGSEGV" in str(error)


def test_any_other_error_counts_as_an_attempt(place: Place):
    error = meant(place, ended(r0=1, r1=-signal.SIGTERM), r0=ValueError("odd"))
    assert str(error) == "rank 0 of 2, absorbing a source into t: ValueError: odd"
    assert not isinstance(error, GraspError)
    place.failed(0).unlink()
    assert "ended with code 3" in str(meant(place, ended(r1=3)))
