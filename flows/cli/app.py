"""The `grasp` command: one line for an error, exit code 1, a traceback only with --debug."""

import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module

import typer
from rich.console import Console

from tasks.errors import GraspError
from tasks.printable import printable

app = typer.Typer(
    name="grasp",
    help="Keep a model current: absorb each newly published source model into a target.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console(highlight=False, emoji=False)

LINE = 20_000  # characters of a line: more than any reason has
INTERRUPTED = 130  # what a shell reports after Ctrl-C
MLFLOW_RETRIES = "3"  # a person waits: seconds, not minutes, until a command says that MLflow is away
COMMANDS = (  # modules of flows.cli, in the order of the help
    *("pipeline.absorb", "sources.arrival", "sources.dataset", "pipeline.demo", "targets.lineage"),
    *("targets.operate", "sources.probe", "targets.prune", "sources.publish", "targets.repair"),
    *("targets.status", "targets.target", "targets.look", "sources.train_source", "sources.validate"),
    "pipeline.watch",
)


def tell(text: str, *, style: str | None = None) -> None:
    """Print a line as it is: what strangers wrote is no markup, and does nothing to the terminal."""
    out.print(printable(text, limit=LINE), markup=False, soft_wrap=True, style=style)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks."),
) -> None:
    if debug:
        os.environ["GRASP_DEBUG"] = "1"


def command_line() -> typer.Typer:
    """Give the command line with every command in it."""
    for name in COMMANDS:
        import_module(f"flows.cli.{name}")
    return app


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", MLFLOW_RETRIES)
    for logger in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(logger).addFilter(_without_our_tracebacks)
    try:
        _or_one_line(command_line())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _without_our_tracebacks(record: logging.LogRecord) -> bool:
    """Leave the traceback of an error that says all by itself out of the log, unless --debug asks for it."""
    if record.exc_info and isinstance(record.exc_info[1], GraspError) and not os.environ.get("GRASP_DEBUG"):
        record.exc_info = None
    return True


def _or_one_line(command: Callable[[], None]) -> None:
    try:
        command()
    except GraspError as error:
        if os.environ.get("GRASP_DEBUG"):
            raise
        lines = (printable(line, limit=LINE) for line in str(error).split("\n"))
        sys.stderr.write("grasp: " + "\n".join(lines) + "\n")
        sys.exit(1)
