"""The reason that a person gives for what is done by hand."""

from tasks.credentials.redact import redacted
from tasks.errors import OperationRefused
from tasks.printable import printable

MAX_REASON = 1000


def checked_reason(reason: str) -> str:
    """Give the reason as the journal keeps it: 1 to 1000 printable characters, no credentials.

    Raises OperationRefused.
    """
    said = redacted(reason.strip())
    if not 1 <= len(said) <= MAX_REASON:
        raise OperationRefused(
            f"--reason has {len(said)} characters, needs 1 to {MAX_REASON}; nothing was changed"
        )
    odd = next((character for character in said if not character.isprintable()), None)
    if odd:
        raise OperationRefused(
            f"--reason holds {printable(odd)}, needs one line of printable characters; nothing was changed"
        )
    return said
