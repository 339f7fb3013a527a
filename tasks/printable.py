"""A stranger's words, made fit for logs and terminals."""

from tasks.credentials.redact import redacted


def printable(text: str, *, limit: int = 4000) -> str:
    r"""Write control characters as escapes (`\n`, `\x1b`), hide credentials, cut to `limit` characters.

    Credentials go first: half a URL would no longer be known as one.
    """
    text = redacted(text)
    cut = text if len(text) <= limit else f"{text[: limit - 3]}..."
    if cut.isprintable():
        return cut
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return escaped if len(escaped) <= limit else f"{escaped[: limit - 3]}..."
