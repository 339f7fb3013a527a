"""One stack for all tests that need one: real PostgreSQL, Redis, Ceph RGW, nginx, MLflow, Prefect."""

from collections.abc import Iterator

import pytest

from deployments.stack.programs import missing_packages
from tests.deployments.chaos.stage import Staged, staged
from tests.deployments.stack.running import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack; skipped where a program of it is not installed."""
    _need_programs()
    made = Stack(tmp_path_factory.mktemp("stack") / "stack")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def on_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    """A stack behind proxies."""
    _need_programs()
    with staged(tmp_path_factory.mktemp("stage") / "stack") as made:
        yield made


def _need_programs() -> None:
    if missing := missing_packages():
        pytest.skip(f"not installed: {', '.join(missing)}")
