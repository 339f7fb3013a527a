"""A setting that is missing or wrong is named by its variable, at the start."""

import re
import traceback
from datetime import timedelta
from pathlib import Path

import pytest

from tasks.errors import InvalidSettings
from tasks.settings import Settings, StoreSettings, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def test_every_missing_variable_is_named():
    with pytest.raises(InvalidSettings, match=r"GRASP_BUCKET is not set.*MLFLOW_TRACKING_URI is not set"):
        load_settings(Settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRASP_BUCKET", "No_Bucket"),
        ("GRASP_BUCKET", "a/b"),
        ("GRASP_S3_ADDRESSING", "host"),
        ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
        ("MLFLOW_TRACKING_URI", "mlruns"),
        ("MLFLOW_TRACKING_URI", "sqlite:///x.db"),
        ("GRASP_PENDING_LIMIT_H", "0"),
        ("GRASP_PENDING_LIMIT_H", "a day"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_BUCKET", "grasp")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=rf"{name}: .*{re.escape(value)}") as refused:
        load_settings(Settings)
    assert "Value error" not in str(refused.value)


def test_a_file_named_env_is_read_and_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("GRASP_BUCKET=from-file\nAWS_REGION=eu-north-1\nOTHER=1\n")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    settings = load_settings(StoreSettings)
    assert (settings.bucket, settings.region) == ("from-file", "us-west-2")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_BUCKET", "grasp")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    assert load_settings(StoreSettings).endpoint_url is None


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_BUCKET", "grasp")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-one")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hidden-two")
    assert "hidden" not in repr(load_settings(StoreSettings))


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI"])
@pytest.mark.parametrize("login", ["team:hidden-pw@", "hidden-pw@", "team:hidden-pw/x@", "team:hidden-pw#x@"])
@pytest.mark.parametrize("scheme", ["http://", "ftp://", ""])
def test_a_login_in_an_address_is_never_shown(
    name: str, login: str, scheme: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRASP_BUCKET", "grasp")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    monkeypatch.setenv(name, f"{scheme}{login}some.host:9000")
    try:
        settings = load_settings(Settings)
    except InvalidSettings as error:
        shown = "".join(traceback.format_exception(error))
        assert name in shown
    else:
        shown = f"{settings!r} {settings} {settings.endpoint_url} {settings.mlflow_tracking_uri}"
        assert "//some.host:9000" in shown
    assert "hidden" not in shown


def test_the_login_in_mlflows_address_goes_before_that_of_the_variables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_BUCKET", "grasp")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "other")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden-other")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert load_settings(Settings).mlflow_login == ("other", "hidden-other")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://te%40m:hidden%2Fpw@127.0.0.1:5000")
    settings = load_settings(Settings)
    assert settings.mlflow_login == ("te@m", "hidden/pw")
    assert settings.mlflow_tracking_uri == "http://127.0.0.1:5000"
    assert "hidden" not in f"{settings!r} {settings.mlflow_login!r}"


def test_a_login_written_into_a_file_named_env_is_parted_too():
    Path(".env").write_text("GRASP_BUCKET=b-1\nMLFLOW_TRACKING_URI=http://team:hidden-pw@127.0.0.1:5000\n")
    assert load_settings(Settings).mlflow_login == ("team", "hidden-pw")


def test_patience_is_a_day(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_BUCKET", "grasp")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert timedelta(hours=load_settings(Settings).pending_limit_h) == timedelta(days=1)
