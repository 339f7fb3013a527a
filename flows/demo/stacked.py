"""The demo's story on a stack that runs: through its TLS doors, with an operator's or a publisher's keys."""

import os
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr
from rich.console import Console

from deployments.environment import worker_environment
from deployments.stack.environment import plain_environment
from flows.demo import story
from flows.demo.play import Stage, Stores, tell
from flows.demo.servers.addresses import Addresses
from flows.demo.servers.failure import DemoFailed
from flows.demo.servers.processes import Children
from flows.demo.summary import Summary
from flows.demo.view import view_on
from tasks.bucket.store import Store
from tasks.journal.targets import target_names
from tasks.settings import StoreSettings

WATCH_INTERVAL_S = 30  # as prefect.yaml says


def run_on_stack(console: Console, directory: Path, *, stack: Path, seed: int) -> int:
    """Play on the stack in a directory; give 0 when all is as it should be, else 1. Raises DemoFailed."""
    operator = _settings(stack, "operator")
    # In this process, too: clients look for the stack's authority there.
    os.environ.update(operator)
    environment = {**plain_environment(), **worker_environment(), **operator}
    stores = Stores(operator=_store(operator), publisher=_store(_settings(stack, "publisher")))
    if story.TARGET in target_names(stores.operator):
        raise DemoFailed(
            f"target {story.TARGET} is on this stack already: the story was told; see `grasp status`, or "
            "start a stack in another directory; nothing was published"
        )
    addresses = Addresses(
        s3=operator["AWS_ENDPOINT_URL_S3"],
        mlflow=operator["MLFLOW_TRACKING_URI"],
        prefect=operator["PREFECT_API_URL"].removesuffix("/api"),
    )
    with Children(logs=directory / "logs", environment=environment) as children, view_on(console) as view:
        stage = Stage(
            directory=directory,
            addresses=addresses,
            children=children,
            view=view,
            seed=seed,
            watch_interval_s=WATCH_INTERVAL_S,
        )
        summary = tell(stage, stores=stores, before_publishing=_nothing, before_watching=_nothing)
    return conclude(console, directory, summary)


def conclude(console: Console, directory: Path, summary: Summary) -> int:
    """Show and write how it ended; give 1 when something is not as it should be."""
    summary.show(console)
    summary.write(directory / "summary.json")
    problems = summary.problems()
    for problem in problems:
        console.print(f"problem: {problem}")
    return 1 if problems else 0


def _settings(stack: Path, part: str) -> dict[str, str]:
    path = stack / f"{part}.env"
    if not path.is_file():
        raise DemoFailed(f"{path} is not there; needs a stack that runs: make stack; nothing was done")
    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def _store(settings: dict[str, str]) -> Store:
    return Store.from_settings(
        StoreSettings(
            bucket=settings["GRASP_BUCKET"],
            endpoint_url=settings["AWS_ENDPOINT_URL_S3"],
            region=settings["AWS_REGION"],
            access_key_id=settings["AWS_ACCESS_KEY_ID"],
            secret_access_key=SecretStr(settings["AWS_SECRET_ACCESS_KEY"]),
        )
    )


def _nothing() -> None:
    """All of it is there already."""
