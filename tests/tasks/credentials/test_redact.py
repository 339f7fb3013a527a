"""Credentials leave in no text: not in errors, logs, tracebacks, or the journal."""

import base64
import inspect
import io
import logging
import traceback

import pytest

from tasks import errors
from tasks.credentials import redact
from tasks.credentials.discretion import DiscreetRecord, be_discreet, discreet
from tasks.credentials.logins import part_logins, parted
from tasks.credentials.redact import learn, learn_login, redact_error, redacted
from tasks.errors import BadArrival, StoreUnavailable
from tasks.printable import printable

SECRET = "c4n4ry-pw"


@pytest.fixture(autouse=True)
def _nothing_learned(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(redact, "_learned", set())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET http://team:pw@host:5000/api failed", "GET http://***@host:5000/api failed"),
        ("https://token@host/x", "https://***@host/x"),
        ("http://u:p@ss@host", "http://***@host"),
        (
            "postgresql+psycopg://u:p@db/x and socks5h://a:b@c",
            "postgresql+psycopg://***@db/x and socks5h://***@c",
        ),
        ("(http://u@h)", "(http://*@h)"),
        ("http://host/path/@name?mail=a@b", "http://host/path/@name?mail=a@b"),
        ("grasp promote me@machine:17", "grasp promote me@machine:17"),
        ("http://host:80 asks me@home", "http://host:80 asks me@home"),
    ],
)
def test_user_and_password_of_any_address_are_hidden(text: str, shown: str):
    assert redacted(text) == shown
    assert len(redacted(text)) <= len(text)


def test_a_learned_secret_is_hidden_in_every_form_that_a_library_shows():
    learn_login("team", "p@ss/w:rd!")
    header = base64.b64encode(b"team:p@ss/w:rd!").decode()
    said = redacted(f"p@ss/w:rd! p%40ss%2Fw%3Ard%21 Authorization: Basic {header}")
    assert said == "*** *** Authorization: Basic ***"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SECRET),
        ("MLFLOW_TRACKING_PASSWORD", SECRET),
        ("PREFECT_API_AUTH_STRING", f"admin:{SECRET}"),
        ("HTTPS_PROXY", f"http://user:{SECRET}@proxy:3128"),
        ("PREFECT_API_URL", f"http://user:{SECRET}@prefect/api"),
        ("MLFLOW_TRACKING_URI", f"http://team:{SECRET}/slash@host"),
    ],
)
def test_what_the_environment_calls_a_secret_is_hidden_on_sight(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    assert SECRET not in redacted(f"the library says {SECRET} aloud, and {value}")


def test_short_values_and_paths_are_no_secrets_on_sight(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "demo")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")
    monkeypatch.setenv("SOME_TOKEN_LIMIT", "1000000")
    monkeypatch.setenv("REGISTRY", "https://packages.example.org/@team")
    said = "the demo reads 1000000 of /var/run/token from https://packages.example.org/@team"
    assert redacted(said) == said


def test_credentials_are_hidden_before_a_text_is_cut():
    assert "team" not in printable("x http://team:password@host", limit=18)


@pytest.mark.parametrize(
    "kind",
    [
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if each.__module__ == "tasks.errors" and each is not BadArrival and not each.__name__.startswith("_")
    ],
)
def test_no_error_of_ours_says_credentials(kind: type[Exception]):
    assert "pw" not in str(kind("http://team:pw@host did not answer"))


def test_a_refusal_hides_credentials_in_all_of_its_parts():
    url = "http://team:pw@host"
    error = BadArrival("loss", object=url, found=url, needed=url, next=url)
    assert "pw" not in f"{error} {vars(error)}"


def test_tracebacks_of_chained_library_errors_hide_credentials():
    def fail() -> None:
        try:
            raise ConnectionError(111, f"proxy http://u:{SECRET}@proxy refused", f"http://u:{SECRET}@h/file")
        except ConnectionError as inner:
            try:
                raise ValueError(ValueError(f"nested http://u:{SECRET}@h"))
            except ValueError as middle:
                raise StoreUnavailable("gone") from ExceptionGroup("all", [middle, inner])

    with pytest.raises(StoreUnavailable) as seen, discreet():
        fail()
    shown = "".join(traceback.format_exception(seen.value))
    assert SECRET not in shown
    assert "proxy http://***@proxy refused" in shown


@pytest.mark.parametrize(
    "error",
    [OSError(111, "refused"), OSError(2, "no such file", "/x"), OSError(), OSError("a"), KeyError("k")],
)
def test_an_error_without_credentials_stays_as_it_was(error: Exception):
    said, args = str(error), error.args
    redact_error(error)
    assert (str(error), error.args) == (said, args)


def test_logs_hide_credentials_in_messages_arguments_and_tracebacks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logging, "_logRecordFactory", logging.LogRecord)
    be_discreet()
    assert logging.getLogRecordFactory() is DiscreetRecord
    learn(SECRET)
    log, stream = logging.getLogger("a.library"), io.StringIO()
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    try:
        try:
            raise ConnectionError(f"http://u:{'x' * 9}@host, {SECRET}")
        except ConnectionError as error:
            log.exception("asked %s: %s", "http://u:yyyy@host", error)
    finally:
        log.removeHandler(handler)
    said = stream.getvalue()
    assert "http://***@host" in said
    assert SECRET not in said
    assert "xxxxxxxxx" not in said.replace("'x' * 9", "")
    assert "yyyy" not in said


def test_a_login_is_parted_from_its_address():
    address, login = parted("https://te%40m:p%2Fw@host:5000/path?x=1")
    assert address == "https://host:5000/path?x=1"
    assert login == ("te@m", "p/w")
    assert "p/w" not in repr(login)
    assert parted("http://host/@x") == ("http://host/@x", None)


def test_logins_move_into_the_variables_that_are_made_for_them():
    environment = {"MLFLOW_TRACKING_URI": "http://team:pw@mlflow", "MLFLOW_TRACKING_PASSWORD": "older"}
    part_logins(environment, written={"PREFECT_API_URL": "http://a:b@prefect/api"})
    assert environment == {
        "MLFLOW_TRACKING_URI": "http://mlflow",
        "MLFLOW_TRACKING_USERNAME": "team",
        "MLFLOW_TRACKING_PASSWORD": "pw",
        "PREFECT_API_URL": "http://prefect/api",
        "PREFECT_API_AUTH_STRING": "a:b",
    }
