"""A one-machine stack in the foreground, as systemd starts it: `python -m deployments.machine DIRECTORY`."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from deployments.machine import environment
from deployments.machine.layout import Layout, make_layout, own_settings, servers_to_start, write_settings
from deployments.machine.units import units
from deployments.supervise import Stops
from deployments.supervision.state import alone, end_leftovers
from deployments.supervision.supervisor import Supervisor
from tasks.credentials.discretion import be_discreet
from tasks.errors import GraspError


def run(directory: Path, *, tell: Callable[[str], object]) -> None:
    """Keep the stack up until a signal asks for the end.

    Raises InvalidSettings when another is at work there, OrchestrationUnavailable when it does not settle.
    """
    data = make_layout(directory).data
    with alone(data):
        stops = Stops()
        layout = make_layout(directory)
        end_leftovers(data, mark=layout.mark)
        written = settle_settings(layout)
        own = own_settings(directory)
        supervisor = Supervisor(
            units(layout, servers_to_start(own), own | written), data, mark=layout.mark, tell=tell
        )
        supervisor.run(stops, when_up=lambda: tell("up"))
    tell("stopped; data are kept")


def settle_settings(layout: Layout) -> dict[str, str]:
    """Write .env so that every command finds the stack; give what was written. Raises InvalidSettings."""
    own = own_settings(layout.directory)
    written = environment.settings(layout, servers_to_start(own))
    environment.need_no_others(own | written, os.environ)
    written = {name: value for name, value in written.items() if name not in own}
    write_settings(layout, written)
    return written


def main() -> None:
    """Run the stack of a directory; its story goes to standard output."""
    be_discreet()
    parser = argparse.ArgumentParser(prog="python -m deployments.machine", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=Path())
    directory = parser.parse_args().directory.absolute()
    try:
        run(directory, tell=_tell)
    except GraspError as error:
        _tell(f"failed: {error}")
        sys.exit(1)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
