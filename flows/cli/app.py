"""The `grasp` command: one line for an error, exit code 1, a traceback only with --debug."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

import typer
from rich.console import Console

from tasks.errors import GraspError

app = typer.Typer(
    name="grasp",
    help="Keep a model current: absorb each newly published source model into a target.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console(highlight=False)

INTERRUPTED = 130  # what a shell reports after Ctrl-C
# modules of flows.cli
COMMANDS = (  # modules of flows.cli
    *("absorb", "arrival", "dataset", "demo", "lineage", "operate", "probe", "prune", "publish", "status"),
    *("target", "target_look", "train_source", "validate", "watch"),
)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks."),
) -> None:
    if debug:
        os.environ["GRASP_DEBUG"] = "1"


def main() -> None:
    """Run the command line."""
    try:
        for name in COMMANDS:
            import_module(f"flows.cli.{name}")
        _or_one_line(app)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _or_one_line(command: Callable[[], None]) -> None:
    try:
        command()
    except GraspError as error:
        if os.environ.get("GRASP_DEBUG"):
            raise
        sys.stderr.write(f"grasp: {error}\n")
        sys.exit(1)
