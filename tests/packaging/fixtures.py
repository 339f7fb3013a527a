"""The package as people get it: built, and installed into environments that know no clone."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = (sys.executable, "-m", "uv")
EPOCH = "1764028800"  # SOURCE_DATE_EPOCH: the time that everything in an archive gets


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, used from a directory of its own."""

    prefix: Path
    directory: Path

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def grasp(self) -> Path:
        return self.prefix / "bin" / "grasp"

    def environment(self, **settings: str) -> dict[str, str]:
        """Nothing of this process's but what a login gives."""
        plain = {"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "COLUMNS": "200", "DO_NOT_TRACK": "1"}
        return {**plain, "PREFECT_HOME": str(self.directory / "prefect"), **settings}

    def run(self, *words: object, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `grasp` as a person does."""
        return subprocess.run(
            [self.grasp, *map(str, words)],
            cwd=self.directory,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            check=False,
        )

    def said(self, *words: object, **settings: str) -> str:
        """Give what a command that has to succeed printed."""
        done = self.run(*words, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def build(directory: Path) -> list[Path]:
    """Build sdist and wheel of this clone with the builder that constraints.txt pins."""
    command = [*UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    subprocess.run([*command, "--out-dir", str(directory), str(ROOT)], check=True, env=environment)
    return sorted(path for path in directory.iterdir() if path.name.startswith("grasp_pipeline-"))


def install(wheel: Path, root: Path, *, extras: Sequence[str] = ()) -> Installed:
    """Install a wheel into an empty environment, with the versions that constraints.txt pins."""
    prefix, directory = root / "environment", root / "elsewhere"
    directory.mkdir()
    subprocess.run([*UV, "venv", "--quiet", "--python", sys.executable, str(prefix)], check=True)
    what = f"grasp-pipeline[{','.join(extras)}] @ {wheel.as_uri()}"
    command = [*UV, "pip", "install", "--quiet", "--python", str(prefix / "bin" / "python")]
    subprocess.run([*command, "-c", str(ROOT / "constraints.txt"), what], check=True)
    return Installed(prefix, directory)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The sdist and the wheel."""
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="session")
def wheel(built: list[Path]) -> Path:
    return next(path for path in built if path.suffix == ".whl")


@pytest.fixture(scope="session")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel alone, as publishers have it: without torch and MLflow."""
    return install(wheel, tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="session")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with all that the demo needs."""
    return install(wheel, tmp_path_factory.mktemp("full"), extras=["demo"])
