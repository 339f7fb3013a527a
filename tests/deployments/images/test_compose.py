"""Every container is hardened, and what it must not show lies in a file of which there is an example."""

import re
from pathlib import Path

import pytest
import yaml
from prefect.settings import Settings
from prefect.settings.legacy import _get_settings_fields

from tests.deployments.stack.test_settings_exist import read_by_mlflow, read_by_prefect_redis

ROOT = Path(__file__).parents[3]
FILES = ("compose.yaml", "deployments/images/small.yaml")
NAMES = re.compile(r"\b(?:PREFECT|MLFLOW)_[A-Z][A-Z0-9_]+")
OURS = {"PREFECT_URL", "PREFECT_PORT", "MLFLOW_PORT", "MLFLOW_HOST", "MLFLOW_ARTIFACTS"}  # of compose
EXAMPLES = ROOT / "deployments" / "images" / "example-secrets"


def services() -> list[tuple[str, dict]]:
    return [
        (f"{file}: {name}", service)
        for file in FILES
        for name, service in yaml.safe_load((ROOT / file).read_text())["services"].items()
    ]


@pytest.mark.parametrize(("name", "service"), services(), ids=[name for name, _ in services()])
def test_a_container_is_read_only_without_capabilities_and_gains_none(name: str, service: dict):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_every_secret_but_keys_of_tls_has_an_example_that_says_change():
    named = {
        Path(each["file"]).name
        for each in yaml.safe_load((ROOT / "compose.yaml").read_text())["secrets"].values()
    }
    named -= {"tls.crt", "tls.key"}
    assert named | {"mlflow.env"} == {path.name for path in EXAMPLES.iterdir()}
    assert all("CHANGE" in path.read_text() for path in EXAMPLES.iterdir())


def test_no_command_of_the_dockerfile_goes_through_a_shell():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    commands = [line.strip() for line in lines if line.startswith(("RUN", "CMD", "ENTRYPOINT"))]
    commands += [line.partition(" CMD ")[2] for line in lines if line.startswith("HEALTHCHECK")]
    assert commands
    assert [
        c for c in commands if not c.removeprefix("RUN ").startswith(("[", "CMD [", "ENTRYPOINT ["))
    ] == []


def test_every_name_of_prefects_and_mlflows_that_is_set_is_one_that_they_read():
    files = (
        "compose.yaml",
        "deployments/images/small.yaml",
        "deployments/images/example-secrets",
        "Dockerfile",
    )
    written = [each for file in files for each in _files(ROOT / file)]
    set_names = {name for path in written for name in NAMES.findall(path.read_text())}
    known = set(_get_settings_fields(Settings)) | read_by_prefect_redis()
    assert {name for name in set_names if name.startswith("PREFECT_")} - known - OURS == set()
    of_mlflow = read_by_mlflow()
    unread = [name for name in set_names - OURS if name.startswith("MLFLOW_")]
    assert [name for name in unread if not any(name in each for each in of_mlflow)] == []


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]
