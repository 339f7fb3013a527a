"""People are told of accuracy that was lost, and not of what the gate's margin allows."""

from types import SimpleNamespace

import pytest

from tasks.absorbing.news import accuracy_drop, is_news
from tasks.contracts.changed import Measured, OnGate
from tasks.contracts.journal import Digests, RolledBack
from tests.tasks.conftest import DAY, Bucket

DATA, NEW_DATA = "a" * 64, "b" * 64


def champion(bucket: Bucket, year: int, accuracy: float) -> None:
    """Promote a source's version that has this accuracy on the gate split."""
    digests = Digests(config=DATA, data=DATA, code="0")
    arrival = bucket.publish(str(year), blob=str(year).encode())
    bucket.absorb(
        arrival, version=year - 2000, figures={"gate_accuracy": accuracy}, digests=digests.model_dump()
    )


def drop(bucket: Bucket) -> str | None:
    journal = bucket.writer("test")
    journal.state()
    *_, newest = journal.entries()
    return accuracy_drop(SimpleNamespace(journal=journal, target=bucket.target), newest)


@pytest.mark.parametrize(("now", "told"), [(0.895, False), (0.95, False), (0.85, True)])
def test_a_champion_below_the_best_on_the_same_data_is_told_beyond_the_margin(bucket: Bucket, now, told):
    champion(bucket, 2001, 0.9)
    champion(bucket, 2002, now)
    found = drop(bucket)
    assert (found is not None) == told
    if found:
        assert found == (
            "the champion, version 2, has gate accuracy 0.8500; version 1 had 0.9000 on the same data"
        )


def test_a_rollback_from_a_better_one_is_no_loss_for_that_one_was_taken_out(bucket: Bucket):
    champion(bucket, 2001, 0.8)
    champion(bucket, 2002, 0.9)
    bucket.journal.transact(
        lambda state, stamp: RolledBack(**stamp._asdict(), registry_version=1, reason="leaked labels")
    )
    assert drop(bucket) is None


def test_new_data_on_which_the_champion_does_worse_are_told(bucket: Bucket):
    champion(bucket, 2001, 0.9)
    measured = OnGate(registry_version=1, gate_accuracy=0.7, test_accuracy=0.7, gate_samples=100)
    bucket.journal.transact(
        lambda state, stamp: Measured(**stamp._asdict(), data=NEW_DATA, versions=(measured,))
    )
    assert "on its new data; it had 0.9000" in (drop(bucket) or "")


def test_what_happened_long_ago_is_no_news(bucket: Bucket):
    champion(bucket, 2001, 0.9)
    *_, decided = bucket.entries()
    assert is_news(decided, now=decided.at + DAY / 2)
    assert not is_news(decided, now=decided.at + DAY)
