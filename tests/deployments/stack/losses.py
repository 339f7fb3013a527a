"""A target on a stack, and what a backup copies, restores or loses: PostgreSQL by its own tools, Ceph."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from deployments.stack.parts.buckets import settings_of
from deployments.stack.programs import program
from deployments.supervision.unit import HOST
from tasks.bucket.client import client_of
from tasks.journal.log import Journal
from tests.deployments.chaos import invariants, sources
from tests.deployments.chaos.play import store_of
from tests.deployments.stack.running import Stack

MADE_AGAIN = ("/state.json", "/projected.json")
DECIDED_S = 600


@dataclass
class World:
    """A target of its own on a stack, and what was published for it."""

    stack: Stack
    name: str

    def __post_init__(self) -> None:
        self.store = store_of(self.stack, "operator")
        self.publisher = store_of(self.stack, "publisher")
        self.sent: dict[str, sources.Source] = {}
        sources.create(self.store, self.name, self.name)

    @property
    def journal(self) -> Journal:
        return Journal(self.store, self.name, by="test")

    def make(self, count: int, *, seed: int, rev: int = 1) -> list[sources.Source]:
        files = Path(tempfile.mkdtemp(dir=self.stack.directory.parent))
        made = sources.make(files, self.name, count, Random(seed))
        return [
            sources.Source(each.path, each.manifest.model_copy(update={"rev": rev}), None) for each in made
        ]

    def publish(self, several: Sequence[sources.Source]) -> None:
        for source in several:
            self.sent[sources.send(self.publisher, source)] = source

    def absorb(self, several: Sequence[sources.Source]) -> None:
        """Publish, and wait until the stack has decided."""
        self.publish(several)
        self.await_decisions()

    def await_decisions(self) -> None:
        journal = self.journal
        invariants.until(
            "all decided", lambda: self.sent.keys() <= journal.state().closed.keys(), within_s=DECIDED_S
        )


@contextmanager
def at_rest(stack: Stack, *pools: str) -> Iterator[None]:
    """Hold workers and their flow runs still."""
    held = []
    for pool in pools:
        worker = psutil.Process(stack.pid(f"worker-{pool}"))
        held += [worker, *worker.children(recursive=True)]
    for each in held:
        each.suspend()
    try:
        yield
    finally:
        for each in held:
            with suppress(psutil.NoSuchProcess):
                each.resume()


def copy_bucket(stack: Stack) -> dict[str, bytes]:
    """Copy what the pipeline may read, as a backup does."""
    client, found = client_of(settings_of(stack.layout, "pipeline")), {}
    for key in _keys(client, "grasp"):
        if not key.startswith("notices/"):
            found[key] = client.get_object(Bucket="grasp", Key=key)["Body"].read()
    return found


def put_bucket_back(stack: Stack, copied: dict[str, bytes]) -> None:
    """Take away what the copy has not, put back the journal as it was; state.json is made again."""
    client = client_of(settings_of(stack.layout, "owner"))
    for key in _keys(client, "grasp"):
        if key not in copied or key.startswith("journal/"):
            client.delete_object(Bucket="grasp", Key=key)
    for key, body in copied.items():
        if key.startswith("journal/") and not key.endswith(MADE_AGAIN):
            client.put_object(Bucket="grasp", Key=key, Body=body)


def empty_artifacts(stack: Stack) -> None:
    """Lose the bucket of MLflow."""
    client = client_of(settings_of(stack.layout, "artifacts", "mlflow"))
    for key in _keys(client, "mlflow"):
        client.delete_object(Bucket="mlflow", Key=key)


def dump(stack: Stack, database: str, file: Path) -> None:
    """Dump a database in PostgreSQL's custom format."""
    _postgres(stack, "pg_dump", "--format=custom", "--dbname", database, "--file", str(file))


def restore(stack: Stack, database: str, file: Path) -> None:
    """Put a dump back over what is there."""
    _postgres(stack, "pg_restore", "--clean", "--if-exists", "--dbname", database, str(file))


def drop(stack: Stack, *databases: str) -> None:
    """Lose databases, whoever works with them."""
    for each in databases:
        _postgres(stack, "psql", "-qc", f"DROP DATABASE {each} WITH (FORCE)")


def _postgres(stack: Stack, tool: str, *options: str) -> None:
    layout = stack.layout
    command = [program(tool), "-h", HOST, "-p", str(layout.ports.postgres), "-U", "postgres", *options]
    environment = {**os.environ, "PGPASSWORD": layout.secrets.postgres}
    subprocess.run(command, env=environment, check=True)


def _keys(client, bucket: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]
