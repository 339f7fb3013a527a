"""Take notifications from a queue of SQS: nobody has to reach us, we ask."""

import logging
from collections.abc import Callable

from deployments.receiver.messages import read_message
from tasks.bucket.notifications import Queue
from tasks.errors import GraspError

log = logging.getLogger(__name__)


def take_from_queue(queue: Queue, *, bucket: str, emit: Callable[[int], None]) -> int:
    """Wait for messages, tell Prefect of them with one event, then delete them; gives how many came, or -1.

    What was not passed on is not deleted, and comes again.
    """
    try:
        messages = queue.receive()
        manifests = sum(_manifests(each["Body"], bucket) for each in messages)
        if manifests:
            emit(manifests)
        if messages:
            queue.delete(messages)
    except GraspError as error:
        log.warning("%s; asked again", error)
        return -1
    return len(messages)


def _manifests(body: str, bucket: str) -> int:
    try:
        return read_message(body.encode(), bucket=bucket).manifests
    except (ValueError, RecursionError):
        log.warning("a message that is no notification of a bucket was deleted")
        return 0
