"""Logins that people write into addresses, taken out of them at the start: no library can quote them then.

MLflow and Prefect take user and password by variables of their own, so their addresses need none.
"""

from collections.abc import Mapping, MutableMapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from tasks.credentials.redact import learn_login, shown_address, userinfo_of

MLFLOW = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


class Login(NamedTuple):
    """A user and a password, as they are: not quoted as in a URL."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Login(***)"


def parted(address: str) -> tuple[str, Login | None]:
    """Part an address from the login in it, if there is one; what is hidden from now on."""
    if "@" not in address or "://" not in address:
        return address, None
    parts = urlsplit(address)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return address, None
    user, _, password = userinfo.partition(":")
    login = Login(unquote(user), unquote(password))
    learn_login(*login)
    return urlunsplit(parts._replace(netloc=host)), login


def without_login(address: str) -> str:
    """Give an address without a login. Raises ValueError for one in which no library would find its end."""
    plain, _ = parted(address)
    if userinfo_of(plain):
        raise ValueError(
            f"is {shown_address(plain)!r}, needs / as %2F, ? as %3F and # as %23 in user and password"
        )
    return plain


def part_logins(environment: MutableMapping[str, str], *, written: Mapping[str, str | None]) -> None:
    """Move the logins of MLFLOW_TRACKING_URI and PREFECT_API_URL into the variables that are made for them.

    written: what a .env file says; the environment goes first, and gets what is parted. To be done before
    prefect is imported, which reads both then.
    """
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        address, login = parted(environment.get(name) or written.get(name) or "")
        if login is None:
            continue
        environment[name] = address
        if name == "PREFECT_API_URL":
            environment["PREFECT_API_AUTH_STRING"] = f"{login.user}:{login.password}"
        else:
            environment.update(zip(MLFLOW, login, strict=True))
