"""The net below everything that a process says: logs, tracebacks, and errors that a library raised."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from tasks.credentials.redact import redact_error, redacted


class DiscreetRecord(logging.LogRecord):
    """A log record whose message and traceback show no credentials, whichever handler takes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info:
            redact_error(self.exc_info[1])

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        """Give the message without credentials."""
        return redacted(super().getMessage())


def be_discreet() -> None:
    """Let nothing that this process logs, or dies of, show credentials. May be called again."""
    if logging.getLogRecordFactory() is not DiscreetRecord:
        logging.setLogRecordFactory(DiscreetRecord)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _excepthook


@contextmanager
def discreet() -> Iterator[None]:
    """Keep credentials out of the errors that leave: a decorator of flows and tasks, below Prefect's own."""
    be_discreet()
    try:
        yield
    except BaseException as error:
        redact_error(error)
        raise


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    redact_error(error)
    sys.__excepthook__(kind, error, trace)
