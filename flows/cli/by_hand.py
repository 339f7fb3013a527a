"""Flow runs that a person watches: what they do in lines of ours, without the chatter of Prefect's engine."""

import logging
import os
from pathlib import Path


def say_what_is_done() -> None:
    """Show a flow run of this process as time and words; what Prefect itself says only where it warns.

    With --debug all of it is shown. Prefect's UI gets every line in any case.
    """
    if os.environ.get("GRASP_DEBUG"):
        return
    import prefect.main  # sets its logging up, once: a console on the root logger
    from prefect.logging.handlers import PrefectConsoleHandler

    engine = str(Path(prefect.__file__).parent)
    for handler in logging.getLogger().handlers:
        if not isinstance(handler, PrefectConsoleHandler):
            continue
        handler.addFilter(
            lambda record: record.levelno > logging.INFO or not record.pathname.startswith(engine)
        )
        handler.setFormatter(_Plain("%(asctime)s  %(message)s", "%H:%M:%S"))


class _Plain(logging.Formatter):
    """The message alone; a warning says that it is one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        if record.levelno > logging.INFO:
            record.message = f"{record.levelname.lower()}: {record.message}"
        return super().formatMessage(record)
