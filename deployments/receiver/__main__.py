"""Wake the watch when the bucket changes: `python -m deployments.receiver`.

Takes webhooks of MinIO and Ceph RGW, and, where GRASP_RECEIVER_QUEUE is set, messages of SQS. The schedule of
the watch stays: what is lost here costs one poll.
"""

import logging
import signal
import sys
import threading
import time
from functools import partial

from pydantic import Field, SecretStr

from deployments.receiver.bell import Bell
from deployments.receiver.events import emit
from deployments.receiver.queue import take_from_queue
from deployments.receiver.server import Receiver
from tasks.bucket.notifications import Queue
from tasks.errors import GraspError
from tasks.settings import StoreSettings, load_settings

PAUSE_S = 5.0  # after a failure of the queue


class ReceiverSettings(StoreSettings):
    """What the receiver needs beside the bucket's name and Prefect's address."""

    secret: SecretStr = Field(
        validation_alias="GRASP_RECEIVER_SECRET",
        min_length=16,
        description="what a store has to send along: in the header Authorization, or in Ceph's OpaqueData",
    )
    host: str = Field(
        default="127.0.0.1", validation_alias="GRASP_RECEIVER_HOST", description="where it listens"
    )
    port: int = Field(default=8088, validation_alias="GRASP_RECEIVER_PORT", description="and on which port")
    queue: str | None = Field(
        default=None, validation_alias="GRASP_RECEIVER_QUEUE", description="address of a queue of SQS"
    )


def main() -> None:
    """Serve until a signal asks for the end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = load_settings(ReceiverSettings)
    except GraspError as error:
        sys.exit(f"receiver: {error}")
    tell = Bell(partial(_tell, settings.bucket)).ring
    secret = settings.secret.get_secret_value()
    server = Receiver((settings.host, settings.port), bucket=settings.bucket, secret=secret, emit=tell)
    if settings.queue:
        threading.Thread(target=_follow, args=(settings, tell), daemon=True).start()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


def _tell(bucket: str, manifests: int) -> None:
    emit(bucket, manifests=manifests)


def _follow(settings: ReceiverSettings, tell: partial[None]) -> None:
    queue = Queue.of(settings, str(settings.queue))
    while True:
        if take_from_queue(queue, bucket=settings.bucket, emit=tell) < 0:
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
