"""The demo from its first server to its last decision."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.demo import story
from flows.demo.champion import Answer, Question
from flows.demo.rows import Row
from flows.demo.servers import deploy, services
from flows.demo.servers.addresses import Addresses, settings_of
from flows.demo.servers.processes import Children
from flows.demo.summary import Summary
from flows.demo.view import View
from flows.demo.watching import Watching
from tasks.bucket.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What a play needs: its directory, where its servers listen, its processes, and what shows it."""

    directory: Path
    addresses: Addresses
    children: Children
    view: View
    seed: int
    watch_interval_s: int = deploy.WATCH_INTERVAL_S


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """The bucket, as who creates targets sees it, and as a publisher does."""

    operator: Store
    publisher: Store


def play(stage: Stage) -> Summary:
    """Start everything, publish, wait for the watch and the absorbs, load the champion. Raises DemoFailed."""
    store = Store.from_settings(settings_of(stage.addresses, stage.directory))
    stage.view.say("starting an S3 server (moto: in memory, a throwaway), MLflow and Prefect")
    services.start_servers(stage.children, stage.addresses, stage.directory)

    def bucket_is_there() -> None:
        services.await_s3(stage.children, stage.addresses)
        store.create_bucket()

    return tell(
        stage,
        stores=Stores(operator=store, publisher=store),
        before_publishing=bucket_is_there,
        before_watching=lambda: _start_pipeline(stage),
    )


def tell(
    stage: Stage,
    *,
    stores: Stores,
    before_publishing: Callable[[], None],
    before_watching: Callable[[], None],
) -> Summary:
    """Tell the story: train, publish, wait for every decision, load the champion. Raises DemoFailed."""
    say = stage.view.say
    # torch is imported while the servers start
    from flows.demo import sources, world

    say("training sources on drifting digits: six periods, one that will be late, one that will be broken")
    chapters = (*story.IN_TIME, story.LATE, story.BROKEN)
    *in_time, late, broken = sources.train_sources(chapters, stage.directory / "sources", seed=stage.seed)
    before_publishing()
    say(f"creating the target {story.TARGET} and publishing six sources at once")
    world.create_world(stores.operator, seed=stage.seed)
    arrivals = [world.publish_source(stores.publisher, source) for source in in_time]

    before_watching()
    watching = Watching(stores.operator, story.TARGET, view=stage.view, children=stage.children)
    say(f"waiting for the watch, every {stage.watch_interval_s} s, to notice and start an absorb")
    watching.until_decided(arrivals)
    say(f"publishing {late.chapter.year}, late, and {broken.chapter.year}, whose file is broken")
    arrivals += [
        world.publish_source(stores.publisher, late),
        world.publish_broken(stores.publisher, broken),
    ]
    watching.until_decided(arrivals)

    say("loading the champion from MLflow, as anybody would")
    rows = [watching.rows[arrival] for arrival in arrivals]
    return Summary(rows=rows, champion=_serve(stage, rows), addresses=stage.addresses)


def _start_pipeline(stage: Stage) -> None:
    say, children, directory = stage.view.say, stage.children, stage.directory
    say("waiting for the Prefect server")
    services.await_prefect(children, stage.addresses)
    say("creating work pools, queues, limits and automations")
    deploy.bootstrap(children, directory)
    services.start_workers(children, directory)
    say("deploying prefect.yaml")
    deploy.deploy(children, directory)
    services.await_mlflow(children, stage.addresses)


def _serve(stage: Stage, rows: Sequence[Row]) -> Answer:
    """Let a process of its own load the champion and predict with it. Raises DemoFailed."""
    runs = [row.decided.mlflow_run_id for row in rows if row.decided and row.decided.mlflow_run_id]
    here = stage.directory / "champion"
    here.mkdir()
    asked, answered = here / "question.json", here / "answer.json"
    asked.write_text(Question(seed=stage.seed, mlflow_run_ids=runs).model_dump_json())
    command = [sys.executable, "-m", "flows.demo.champion", str(asked), str(answered)]
    stage.children.run("champion", command, cwd=here, timeout_s=deploy.PATIENCE_S)
    return Answer.model_validate_json(answered.read_bytes())
