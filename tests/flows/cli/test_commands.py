"""The list that finds a command without importing the others is the list of what there is."""

import typer
from typer.testing import CliRunner

from flows.cli.app import app, command_line
from flows.cli.commands import COMMANDS


def test_every_command_is_listed_with_the_line_it_has_itself():
    group = typer.main.get_group(command_line())
    own = {name: command.help.split("\n\n")[0].replace("\n", " ") for name, command in group.commands.items()}
    assert own == {name: command.help for name, command in COMMANDS.items()}
    registered = {command.name or command.callback.__name__ for command in app.registered_commands}
    registered |= {group.name for group in app.registered_groups}
    assert registered == set(COMMANDS)


def test_a_command_group_has_all_of_its_commands():
    group = typer.main.get_group(command_line())
    assert set(group.commands["target"].commands) == {"create", "list", "show", "set", "delete"}
    assert set(group.commands["dataset"].commands) == {"prepare", "publish"}


def test_a_misspelt_command_gets_a_hint():
    done = CliRunner().invoke(app, ["statu"])
    assert done.exit_code == 2
    assert "Did you mean 'status'?" in done.output
