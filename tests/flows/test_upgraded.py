"""A journal of the version before PostgreSQL, Redis and the stack came: this one reads it, and goes on."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from mlflow import MlflowClient

from flows.absorb import absorb
from flows.rollback import rollback
from tasks.contracts.journal import Decided
from tasks.journal.log import Journal
from tasks.registry.registry import aliases
from tests.flows import older

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
BEFORE = "12ad0ed^"  # the commit before `make stack`


def test_a_journal_of_the_version_before_goes_on(
    store, mlflow_server, prefect_api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    monkeypatch.setenv("GRASP_CACHE_DIR", str(tmp_path / "cache"))
    name = f"upgraded-{uuid.uuid4().hex[:8]}"
    with_older_code(tmp_path / "older", prefect_api, name, "2001", "2003")
    journal = Journal(store, name, by="test")
    before = journal.state()
    assert before.champion == 2

    older.main(name, [2002, 2004])

    state, client = journal.state(), MlflowClient(mlflow_server.uri, mlflow_server.uri)
    decided = [each for each in journal.entries() if isinstance(each, Decided)]
    assert [each.decision for each in decided] == ["promoted"] * 4
    assert (state.champion, state.previous) == (4, 3)
    assert aliases(client, name) == {"champion": 4, "previous": 3}
    absorb(name)
    assert journal.state().seq == state.seq  # nothing is absorbed twice
    rollback(name, version=2, reason="the old version's own")
    assert aliases(client, name)["champion"] == 2


def with_older_code(directory: Path, prefect_api: str, *arguments: str) -> None:
    """Absorb in a process that imports what stood there before; it has this one's libraries."""
    directory.mkdir()
    packed = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=directory, input=packed, check=True)
    environment = {**os.environ, "PYTHONPATH": str(directory), "PREFECT_API_URL": prefect_api}
    script = (directory / "older.py", older.__file__)
    script[0].write_bytes(Path(script[1]).read_bytes())
    subprocess.run([sys.executable, str(script[0]), *arguments], cwd=directory, env=environment, check=True)
