"""What sends a test's events to its Prefect server ends with the test: the next server may be another one."""

from prefect.events.clients import NullEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

SEEN: list[EventsWorker] = []


def sender() -> EventsWorker:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        return EventsWorker.instance(NullEventsClient)


def test_within_a_test_there_is_one():
    SEEN.append(sender())
    assert sender() is SEEN[0]


def test_the_next_test_has_its_own():
    assert sender() is not SEEN[0]
