"""`--reason`: why a person does something by hand, checked once for all commands."""

from typing import Any

import typer

from tasks.reason import checked_reason


def reason_option(default: str | None = None) -> Any:
    """Give the option; without a default it must be said. Raises OperationRefused before anything is done."""
    return typer.Option(
        ... if default is None else default,
        "--reason",
        help="Why; kept in the journal.",
        callback=checked_reason,
    )
