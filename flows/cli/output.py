"""What commands print to: a reader that goes away changes nothing of what a command does."""

import os
import sys

from rich.console import Console


class Output(Console):
    """A console whose reader may leave, as `grep -q` and `head` do: the rest is said to nobody.

    A command then goes on to its own end and gives its own exit code, so that a closed pipe neither stops
    work half-way nor turns success into failure under `set -o pipefail`.
    """

    unread = False

    def on_broken_pipe(self) -> None:
        """Say nothing more; what the interpreter flushes when it ends goes nowhere either."""
        self.unread = self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
