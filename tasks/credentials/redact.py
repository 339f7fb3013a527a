"""Credentials never leave in a text: not in an error, a log, the journal, MLflow, or Prefect.

Hidden are user and password of any URL, and every value that the settings or the environment call a secret.
"""

import base64
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "***"
SHORTEST = 6  # characters of a value that is hidden on sight; shorter ones are hidden inside URLs only
_USERINFO = re.compile(r"(?<=://)[^\s/?#]+(?=@)")
_AUTHORITY = re.compile(r"[a-zA-Z][\w+.-]*://[^\s/?#:\[]*:([^\s/?#]+)[/?#]\S*@")
_NAMES = re.compile(r"(SECRET|SECRET_ACCESS_KEY|SECRET_KEY|TOKEN|PASSWORD|PASSWD|AUTH_STRING|API_KEY)$", re.I)
_learned: set[str] = set()


def redacted(text: str) -> str:
    """Give the text without credentials. It never gets longer, so that limits on lengths still hold."""
    if "@" in text and "://" in text:
        text = _USERINFO.sub(lambda found: HIDDEN[: len(found[0])], text)
    for secret in known_secrets():
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def learn(secret: str | None) -> None:
    """Hide a value from now on, in this process, in every form that a library may show it in."""
    if secret:
        _learned.update(_forms([secret]))


def learn_login(user: str, password: str) -> None:
    """Hide a password from now on, and the header that user and password make; a user alone is a token."""
    learn(password or user)
    learn(base64.b64encode(f"{user}:{password}".encode()).decode())


def known_secrets() -> list[str]:
    """Give all values that are hidden on sight, the longest first: what settings said, what is set now."""
    found = _learned | set(_forms(secrets_in(os.environ)))
    return sorted((each for each in found if len(each) >= SHORTEST), key=lambda each: (-len(each), each))


def secrets_in(environment: Mapping[str, str]) -> Iterator[str]:
    """Give the secrets of an environment: by the names of variables, and from the URLs among their values."""
    for name, value in environment.items():
        if _NAMES.search(name):
            yield value
            yield value.partition(":")[2]  # PREFECT_API_AUTH_STRING is user:password
        if userinfo := userinfo_of(value):
            user, _, password = userinfo.partition(":")
            yield from (
                password or user,
                *re.split("[/?#]", password),
            )  # of a broken one libraries quote parts
            yield base64.b64encode(unquote(userinfo).encode()).decode()


def userinfo_of(address: str) -> str:
    """Give what stands before the host of an address, as it stands there; "" when there is nothing.

    A slash that nobody quoted ends the host for every library: what then looks like a port is a password.
    """
    if found := _USERINFO.search(address):
        return found[0]
    port = _AUTHORITY.match(address)
    return address.partition("://")[2].rpartition("@")[0] if port and not port[1].isdigit() else ""


def shown_address(address: str) -> str:
    """Give an address for a message that says what is wrong with it: without whatever may be a login."""
    _, at, host = address.rpartition("@")
    return f"{HIDDEN}@{host}" if at else address


def redact_error(error: BaseException | None) -> None:
    """Take credentials out of an error and of all that it was raised from, in place: libraries quote URLs."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if any(isinstance(part, str) and redacted(part) != part for part in each.args):
            each.args = tuple(redacted(part) if isinstance(part, str) else part for part in each.args)
        said = vars(each)
        said.update({name: redacted(value) for name, value in said.items() if isinstance(value, str)})
        for name in ("filename", "strerror"):  # of an OSError, which keeps them elsewhere
            value = getattr(each, name, None)
            if isinstance(value, str) and redacted(value) != value:
                setattr(each, name, redacted(value))
        nested = each.exceptions if isinstance(each, BaseExceptionGroup) else each.args
        waiting += [each.__cause__, each.__context__, *(p for p in nested if isinstance(p, BaseException))]


def _forms(secrets: Iterable[str]) -> Iterator[str]:
    for secret in secrets:
        if len(secret) >= SHORTEST:
            yield from (secret, quote(secret, safe=""), quote_plus(secret), unquote(secret))
