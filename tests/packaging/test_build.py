"""What people download is the same bytes for everyone who builds it, and whole."""

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest

from deployments.deploy import PROJECT
from tests.packaging.fixtures import ROOT, build

pytestmark = pytest.mark.integration


def digests(built: list[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built}


def test_the_same_commit_gives_the_same_bytes_whenever_it_is_built(built: list[Path], tmp_path: Path):
    (ROOT / "flows" / "watch.py").touch()  # another time on a file is no other content
    again = digests(build(tmp_path))
    assert len(again) == 2
    assert again == digests(built)


def test_the_wheel_holds_the_four_rooms_and_what_the_deployments_need(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    rooms = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert rooms == {"grasp_core", "tasks", "flows", "deployments"}
    assert "deployments/prefect.yaml" in names
    assert "deployments/policies/publisher.json" in names


def test_there_is_one_prefect_yaml_and_the_clones_is_a_link_to_it(built: list[Path], wheel: Path):
    assert (ROOT / "prefect.yaml").is_symlink()
    assert (ROOT / "prefect.yaml").resolve() == PROJECT
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("deployments/prefect.yaml") == PROJECT.read_bytes()


def test_the_sdist_carries_the_pins_and_the_schemas(built: list[Path]):
    (sdist,) = (path for path in built if path.name.endswith(".tar.gz"))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"constraints.txt", "CHANGELOG.md", "LICENSE", "docs/schemas/manifest.json"} <= names
