"""What the demo shows while it runs: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from flows.demo.rows import Row

COLOURS = {"promoted": "green", "quarantined": "red", "rejected": "yellow", "absorbing": "cyan"}


class View(Protocol):
    """Shows what goes on; a context manager."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""

    def say(self, what: str) -> None:
        """Say what is done now."""

    def rows(self, rows: Mapping[str, Row]) -> None:
        """Show the arrivals as they are now."""


def view_on(console: Console) -> View:
    """Give the view that fits the output."""
    return LiveView(console) if console.is_terminal else PlainView(console)


class Clock:
    """Seconds since the demo began."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def __str__(self) -> str:
        return f"{time.monotonic() - self._began_s:4.0f} s"


class PlainView:
    """One line per event, for logs."""

    def __init__(self, console: Console) -> None:
        self._console, self._clock, self._seen = console, Clock(), dict[str, str]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, what: str) -> None:
        """Print a line."""
        self._console.print(f"[{self._clock}] {what}", markup=False, soft_wrap=True)

    def rows(self, rows: Mapping[str, Row]) -> None:
        """Print a line for each arrival that changed."""
        for arrival_id, row in rows.items():
            if self._seen.get(arrival_id) != row.status:
                self._seen[arrival_id] = row.status
                self.say(f"{row.source.series} {row.source.label}: {described(row)}")


class LiveView:
    """A spinner with the current step above a table of arrivals."""

    def __init__(self, console: Console) -> None:
        self._clock, self._step, self._rows = Clock(), Spinner("dots"), dict[str, Row]()
        self._what = ""
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def say(self, what: str) -> None:
        """Change the line beside the spinner; the one before stays above it."""
        if self._what:
            self._live.console.print(f"[dim]{self._clock}[/] {self._what}")
        self._what = what

    def rows(self, rows: Mapping[str, Row]) -> None:
        """Change the table."""
        self._rows = dict(rows)

    def _picture(self) -> Group:
        self._step.update(text=f"{self._clock}  {self._what}")
        table = Table("source", "state", box=None)
        for row in self._rows.values():
            colour = COLOURS.get(row.status, "white")
            table.add_row(f"{row.source.series} {row.source.label}", f"[{colour}]{described(row)}[/]")
        return Group(self._step, table) if self._rows else Group(self._step)


def described(row: Row) -> str:
    """Say in a few words how an arrival stands."""
    if row.decided is None:
        return row.status
    accuracy = row.accuracy["after_fine_tune"]
    version = f", version {row.decided.registry_version}" if row.decided.registry_version else ""
    test = f", test accuracy {accuracy:.1%}" if accuracy is not None else ""
    return f"{row.decided.decision} ({row.decided.reason_code}){version}{test}"
