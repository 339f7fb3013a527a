"""The demo's servers, targets that share one series, and workers that take their absorbs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployments.workers import on_device, worker_command
from flows.demo import story
from flows.demo.servers import deploy, services
from flows.demo.servers.addresses import Addresses, environment_of, settings_of
from flows.demo.servers.processes import Children
from flows.demo.sources import train_sources
from flows.demo.world import create_world, publish_source
from tasks.bucket.store import Store
from tasks.contracts.target import Target
from tasks.journal.targets import create_target

PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Running servers and GPU workers; first: a target of the demo, which the others are like."""

    children: Children
    store: Store
    first: Target
    prefect_api: str
    directory: Path

    def create(self, name: str) -> None:
        """Create a target like the first."""
        create_target(self.store, self.first.model_copy(update={"name": name}))

    def publish(self, sources: int) -> None:
        """Train and publish the demo's first sources, for all targets."""
        for trained in train_sources(story.IN_TIME[:sources], self.directory / "sources", seed=0):
            publish_source(self.store, trained)

    def watch(self) -> None:
        """Start the worker of the watch."""
        self.children.keep("worker-cpu", worker_command("cpu"), cwd=self.directory / "worker-cpu")


@contextmanager
def staged(directory: Path, *, workers: int) -> Iterator[Scene]:
    """Start servers and GPU workers, without the watch's."""
    addresses = Addresses.choose()
    with Children(logs=directory, environment=environment_of(addresses, directory)) as children:
        services.start_servers(children, addresses, directory)
        services.await_s3(children, addresses)
        store = Store.from_settings(settings_of(addresses, directory))
        store.create_bucket()
        first = create_world(store, seed=0)
        services.await_prefect(children, addresses)
        services.await_mlflow(children, addresses)
        limit = [sys.executable, "-m", "deployments.bootstrap", "--gpu-limit", str(workers)]
        children.run("bootstrap", limit, cwd=directory / "bootstrap", timeout_s=PATIENCE_S)
        deploy.deploy(children, directory)
        options, _ = on_device("gpu", "cpu")
        for number in range(workers):
            started = [*worker_command("gpu"), *options[:-1], f"worker-{number}"]
            children.keep(f"worker-gpu-{number}", started, cwd=directory / f"worker-gpu-{number}")
        yield Scene(children, store, first, f"{addresses.prefect}/api", directory)
