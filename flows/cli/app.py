"""The `grasp` command: one line for an error, exit code 1, a traceback only with --debug."""

import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from dotenv import dotenv_values
from typer.core import TyperCommand, TyperGroup

from flows.cli.commands import COMMANDS
from flows.cli.output import Output
from tasks.credentials.discretion import be_discreet
from tasks.credentials.logins import part_logins
from tasks.credentials.redact import redact_error
from tasks.errors import GraspError, OrchestrationUnavailable, StoreUnavailable, TrackingUnavailable
from tasks.printable import printable


class ByName(TyperGroup):
    """A group that imports a command's modules when that one is asked for, and nothing to list them all."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        known = self.commands
        self.commands = {
            name: known.get(name) or TyperCommand(name, help=command.help)
            for name, command in COMMANDS.items()
        }

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names in the order of the help."""
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command into its place, then find it."""
        if args[0] in COMMANDS:
            _define(args[0])
            built = typer.main.get_group(app)
            self.commands[args[0]] = built.commands[args[0]]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="grasp",
    cls=ByName,
    help="Keep a model current: absorb each newly published source model into a target.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
# A line is not broken at the width of a terminal that grep and programs do not have; a table is.
out = Output(highlight=False, emoji=False, soft_wrap=True)

LINE = 20_000  # characters of a line: more than any reason has
INTERRUPTED = 130  # what a shell reports after Ctrl-C
ENVIRONMENT = {
    # A person waits: seconds, not minutes, until a command says that MLflow is away.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    # A command says what it did; bars and addresses of its libraries drown that.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Without an address Prefect would start a server of its own, where no run is seen again.
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
}


def tell(text: str, *, style: str | None = None) -> None:
    """Print a line as it is: what strangers wrote is no markup, and does nothing to the terminal."""
    out.print(printable(text, limit=LINE), markup=False, style=style)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks."),
) -> None:
    if debug:
        os.environ["GRASP_DEBUG"] = "1"


def command_line() -> typer.Typer:
    """Give the command line with every command in it, for those who read it as a whole."""
    for name in COMMANDS:
        _define(name)
    return app


def main() -> None:
    """Run the command line."""
    part_logins(os.environ, written=dotenv_values(".env"))
    be_discreet()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for logger in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(logger).addFilter(_without_our_tracebacks)
    try:
        _or_one_line(app)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _define(name: str) -> None:
    """Import the modules of a command: they add it to the app."""
    for module in COMMANDS[name].modules:
        import_module(f"flows.cli.{module}")


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
            redact_error(error)
            raise
        lines = [printable(line, limit=LINE) for line in f"{error}{_hint(error)}".split("\n")]
        sys.stderr.write("grasp: " + "\n".join(lines) + "\n")
        sys.exit(1)
    except Exception as error:
        redact_error(error)
        raise


def _hint(error: GraspError) -> str:
    """Say what starts the servers of a stack that lies here and is down, if it is they that do not answer."""
    if not isinstance(error, OrchestrationUnavailable | StoreUnavailable | TrackingUnavailable):
        return ""
    from deployments.machine.look import is_down

    return "\nthe stack in this directory is down; grasp up starts it" if is_down(Path.cwd()) else ""
