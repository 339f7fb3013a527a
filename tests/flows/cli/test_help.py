"""What `--help` of every command shows."""

from collections.abc import Iterator

import pytest
import typer

from flows.cli.app import command_line


def commands(command: object, *names: str) -> Iterator[tuple[str, str]]:
    """Every command as a person types it, with its help."""
    if not hasattr(command, "commands"):
        yield " ".join(names), command.help or ""
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, *names, name)


@pytest.mark.parametrize(("command", "text"), commands(typer.main.get_command(command_line()), "grasp"))
def test_every_command_shows_an_example(command: str, text: str):
    assert f"Example: [bold]{command}" in text
