"""The command line's reference, as typer itself describes it."""

import typer
from typer.cli import MARKUP_MODE_KEY, get_docs_for_click

from flows.cli.app import command_line


def page() -> str:
    """Give every command with its arguments and options."""
    command = typer.main.get_command(command_line())
    context = typer.Context(command, info_name="grasp", obj={MARKUP_MODE_KEY: "rich"})  # type: ignore[arg-type]
    text: str = get_docs_for_click(obj=command, ctx=context, name="grasp", title="Command line: `grasp`")
    return text.replace("```console", "```text")  # its own highlighting takes […] for a fault
