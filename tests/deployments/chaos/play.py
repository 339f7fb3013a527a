"""One play: sources come at random times while faults strike; then the dust settles and all is looked at.

By hand: `python -m tests.deployments.chaos.play SEED [SEED…]`, a JSON line per seed on standard output.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from tests.deployments.chaos import invariants, sources
from tests.deployments.chaos.faults import FAULTS, Scene
from tests.deployments.chaos.stage import Staged, staged
from tests.deployments.stack.running import Stack


def play(
    on_stage: Staged,
    *,
    seed: int,
    count: int,
    within_s: float,
    strikes: list[str],
    stopped_s: float,
) -> dict[str, object]:
    """Play a seed; gives figures. Raises AssertionError when something does not hold."""
    rng, began = random.Random(seed), time.monotonic()
    stack, name = on_stage.stack, f"chaos-{seed}"
    operator, publisher = (store_of(stack, part) for part in ("operator", "publisher"))
    invariants.until("target", lambda: bool(sources.create(operator, name, name)), within_s=120)
    with tempfile.TemporaryDirectory() as made:
        to_come = sources.make(Path(made), name, count, rng)
        sent: dict[str, sources.Source] = {}
        scene = Scene(
            stack,
            on_stage.proxies,
            rng,
            held_s=5.0,
            stopped_s=stopped_s,
            has_small_cache=on_stage.has_small_cache,
        )
        publishing = threading.Thread(
            target=_publish, args=(publisher, to_come, within_s, random.Random(seed + 1), sent)
        )
        publishing.start()
        struck = _strike(scene, strikes, within_s)
        publishing.join()
        settling = invariants.until(
            "all decided", lambda: sent.keys() <= invariants.decided(operator, name).keys(), within_s=900
        )
        last = sources.make(Path(made), f"{name}", 1, random.Random(seed + 2))[0]
        last_year = last.manifest.model_copy(update={"rev": 3})
        final = sources.Source(last.path, last_year, None)
        sent[sources.send(publisher, final)] = final
        alive = invariants.until(
            "the watch lives", lambda: sent.keys() <= invariants.decided(operator, name).keys(), within_s=600
        )
        invariants.check_decisions(operator, name, sent)
        invariants.check_registry(operator, mlflow_here(), name, stack.directory / "scratch")
        unended_s, slots_s = invariants.check_prefect()
        invariants.check_files(stack.directory / "cache" / "pipeline")
    return {
        "seed": seed,
        "sources": len(sent),
        "struck": struck,
        "seconds": round(time.monotonic() - began),
        "settled_s": round(settling),
        "last_absorbed_s": round(alive),
        "unended_s": round(unended_s),
        "slots_s": round(slots_s),
    }


def _publish(store, to_come, within_s: float, rng: random.Random, sent: dict) -> None:
    moments = sorted(rng.uniform(0, within_s) for _ in to_come)
    began = time.monotonic()
    for moment, source in zip(moments, to_come, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        sent[sources.send(store, source)] = source


def _strike(scene: Scene, strikes: list[str], within_s: float) -> list[str]:
    """Let each fault begin at its moment, whether those before it are over or not; after a power cut wait."""
    moments = sorted(scene.rng.uniform(0, within_s) for _ in strikes)
    order, began, struck, at_work = list(strikes), time.monotonic(), [], []
    scene.rng.shuffle(order)
    for moment, name in zip(moments, order, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        struck.append(f"{time.monotonic() - began:.0f} s {name}")
        fault = threading.Thread(target=FAULTS[name], args=(scene,))
        fault.start()
        at_work.append(fault)
        if name == "power cut":
            fault.join()
    for fault in at_work:
        fault.join()
    return struck


def settings_of(stack: Stack, part: str) -> dict[str, str]:
    """Read what a part works with."""
    return {name: str(value) for name, value in dotenv_values(stack.directory / f"{part}.env").items()}


def store_of(stack: Stack, part: str):
    """Connect to the bucket with a part's keys."""
    from tasks.bucket.store import Store
    from tasks.settings import StoreSettings

    settings = settings_of(stack, part)
    return Store.from_settings(
        StoreSettings(
            _env_file=None,
            bucket=settings["GRASP_BUCKET"],
            endpoint_url=settings["AWS_ENDPOINT_URL_S3"],
            region=settings["AWS_REGION"],
            access_key_id=settings["AWS_ACCESS_KEY_ID"],
            secret_access_key=SecretStr(settings["AWS_SECRET_ACCESS_KEY"]),
        )
    )


def mlflow_here():
    """Connect to the MLflow server that the environment names."""
    from tasks.tracking.api import connect

    return connect(os.environ["MLFLOW_TRACKING_URI"])


def main(seeds: list[int]) -> None:
    """Play each seed on a stack of its own; its settings are in this process's environment from the start."""
    if len(seeds) > 1:  # prefect reads its settings once
        for seed in seeds:
            subprocess.run([sys.executable, "-m", "tests.deployments.chaos.play", str(seed)], check=False)
        return
    directory = Path(tempfile.mkdtemp(prefix="grasp-chaos-")) / "stack"
    with staged(directory) as on_stage:
        os.environ.update(settings_of(on_stage.stack, "operator"))
        os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
        try:
            done = play(on_stage, seed=seeds[0], count=30, within_s=240, strikes=list(FAULTS), stopped_s=100)
        except AssertionError as error:
            traceback.print_exc()
            done = {"seed": seeds[0], "failed": str(error)[:500] or traceback.format_exc(limit=-1)}
        sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]])
