"""CPU seconds of what people type all day: `python -m benchmarks.commands`; exit code 1 over a goal."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from deployments.ports import choose_ports
from flows.demo import story, world
from tasks.bucket.store import Store
from tasks.settings import StoreSettings

RESULTS = Path(__file__).parent / "results.json"
RUNS = 3  # the least counts: other work on the machine only adds
KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_REGION": "us-east-1"}


BROKEN = "broken.safetensors"
SOURCE = (
    *("--series", "digits", "--period", "2014", "--start", "2014-01-01", "--end", "2014-12-31"),
    *("--architecture", "grasp/digits-cnn", "--classes", "0,1,2,3,4,5,6,7,8,9", "--size", "8x8x1"),
    *("--mean", "0.5", "--std", "0.5"),
)


class Case(NamedTuple):
    """A command, the CPU seconds that it may take, and how it ends."""

    arguments: tuple[str, ...]
    goal_s: float
    ends_with: int = 0


CASES = (
    Case(("--help",), 0.6),
    Case(("publish", "--help"), 1.5),
    Case(("status",), 1.5),
    Case(("status", story.TARGET), 1.5),
    Case(("pause", story.TARGET, "--reason", "bench"), 1.5),
    Case(("resume", story.TARGET), 1.5),
    Case(("pause", "no-such-target"), 1.5, ends_with=1),
    Case(("publish", BROKEN, *SOURCE), 1.5, ends_with=1),
    Case(("explain", "digits/2014/1", "--target", story.TARGET), 1.5, ends_with=1),
)


def main() -> int:
    """Measure every case, print a table with the goals, keep the figures in results.json."""
    with tempfile.TemporaryDirectory(prefix="grasp-commands-") as made, _settings(Path(made)) as environment:
        (Path(made) / BROKEN).write_bytes(b"no weights")
        found = {" ".join(case.arguments): _least(case, Path(made), environment) for case in CASES}
    RESULTS.write_text(json.dumps({"load_average": os.getloadavg(), "cpu_s": found}, indent=1) + "\n")
    over = [case for case in CASES if found[" ".join(case.arguments)] > case.goal_s]
    for case in CASES:
        line = " ".join(case.arguments)
        missed = " MISSED" if case in over else ""
        print(f"{found[line]:5.2f} s of CPU (goal {case.goal_s}){missed}  grasp {line}")
    return 1 if over else 0


@contextmanager
def _settings(directory: Path) -> Iterator[dict[str, str]]:
    """A bucket with one target, on the server of `grasp up`; MLflow and Prefect are away."""
    (port,) = choose_ports((0,))
    environment = os.environ | KEYS
    command = [sys.executable, "-m", "deployments.s3.server", str(directory / "s3"), "--port", str(port)]
    with subprocess.Popen(command, env=environment) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            store = Store.from_settings(
                StoreSettings(
                    bucket="bench",
                    endpoint_url=address,
                    access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                    secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
                )
            )
            _until_created(store)
            world.create_world(store, seed=0)
            yield environment | {
                "GRASP_BUCKET": "bench",
                "AWS_ENDPOINT_URL_S3": address,
                "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
                "PREFECT_API_URL": "http://127.0.0.1:9/api",
            }
        finally:
            server.terminate()


def _until_created(store: Store) -> None:
    from tasks.bucket.patience import patiently

    patiently(store.create_bucket, delays_s=(0.5, 1, 2, 4, 8))


def _least(case: Case, directory: Path, environment: dict[str, str]) -> float:
    return min(_cpu_s(case, directory, environment) for _ in range(RUNS))


def _cpu_s(case: Case, directory: Path, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", "from flows.cli.app import main; main()", *case.arguments]
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != case.ends_with:
        raise SystemExit(f"grasp {' '.join(case.arguments)}: ended with {done.returncode}: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)


if __name__ == "__main__":
    raise SystemExit(main())
