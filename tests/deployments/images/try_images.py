"""`make images`: build what can be built here, run it as production would, bring the small set to a champion.

Needs a Docker engine (DOCKER_HOST), minutes and some GB; so it is no part of `make test`. IMAGE_BASE names
another base image than Docker Hub's. The absorb runs beside the containers, from this environment: the gpu
image has CUDA and weighs 7 GB.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployments.marks import VARIABLE, end_marked
from flows.demo.sources import train_sources
from flows.demo.story import IN_TIME, TARGET
from flows.demo.world import create_world, publish_source
from tasks.bucket.store import Store
from tasks.settings import StoreSettings
from tests.servers.fixtures import free_port

ROOT = Path(__file__).parents[3]
HARDENED = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--network", "none", "--tmpfs", "/tmp"),
)
pytestmark = pytest.mark.timeout(3600)


def docker(*arguments: str, **environment: str) -> str:
    """Run a command of docker's; gives what it printed."""
    done = subprocess.run(
        arguments, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.strip()


@pytest.fixture(scope="session", params=["cpu", "mlflow"])
def image(request: pytest.FixtureRequest) -> str:
    return built(request.param)


def built(target: str) -> str:
    base = os.environ.get("IMAGE_BASE")
    chosen = ("--build-arg", f"BASE={base}") if base else ()
    began = time.monotonic()
    docker(
        *("docker", "build", "--network", "host", "--target", target, "--tag", f"grasp:{target}", *chosen),
        ".",
        DOCKER_BUILDKIT=os.environ.get("DOCKER_BUILDKIT", "0"),
    )
    size = int(docker("docker", "image", "inspect", "--format", "{{.Size}}", f"grasp:{target}"))
    print(f"grasp:{target}: {size / 1e6:.0f} MB, built in {time.monotonic() - began:.0f} s")
    return f"grasp:{target}"


def test_an_image_runs_without_root_rights_or_a_writable_file_and_says_what_it_is(image: str):
    looked = json.loads(docker("docker", "image", "inspect", image))[0]
    assert looked["Config"]["User"] == "10001:10001"
    assert looked["Config"]["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert looked["Config"]["Healthcheck"]["Test"][0] == "CMD"  # and no shell
    told = docker("docker", "run", "--rm", *HARDENED, image, "--help")
    assert "Usage" in told
    asked = "import os; print(os.getuid(), os.access('/', os.W_OK), os.access(os.__file__, os.W_OK))"
    ran = docker("docker", "run", "--rm", *HARDENED, "--entrypoint", "python", image, "-c", asked)
    assert ran == "10001 False False"


def test_the_cpu_image_is_light_and_knows_no_torch():
    image = built("cpu")
    assert int(docker("docker", "image", "inspect", "--format", "{{.Size}}", image)) < 700e6
    named = "('torch', 'prefect_redis')"
    asked = f"from importlib.util import find_spec; print(*(bool(find_spec(n)) for n in {named}))"
    ran = docker("docker", "run", "--rm", *HARDENED, "--entrypoint", "python", image, "-c", asked)
    assert ran == "False True"


def test_the_small_set_comes_up_and_a_source_becomes_champion(tmp_path: Path):
    built("cpu"), built("mlflow")
    names = ("S3_PORT", "MLFLOW_PORT", "PREFECT_PORT", "WORKER_PORT", "METRICS_PORT")
    ports = {name: str(free_port()) for name in names}
    key, secret = "small", secrets.token_hex(16)
    written = tmp_path / "grasp.env"
    written.write_text(f"AWS_ACCESS_KEY_ID={key}\nAWS_SECRET_ACCESS_KEY={secret}\n")
    written.chmod(0o644)  # the container's user is another one than this
    environment = {**ports, "GRASP_ENV_FILE": str(written)}
    compose = ("docker-compose", "--file", "deployments/images/small.yaml", "--project-directory", ".")
    mark = secrets.token_hex(16)
    began = time.monotonic()
    try:
        docker(*compose, "up", "--detach", "--wait", "--wait-timeout", "1200", **environment)
        print(f"up after {time.monotonic() - began:.0f} s")
        settings = {
            "GRASP_BUCKET": "grasp",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports['S3_PORT']}",
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{ports['MLFLOW_PORT']}",
            "PREFECT_API_URL": f"http://127.0.0.1:{ports['PREFECT_PORT']}/api",
            "GRASP_CACHE_DIR": str(tmp_path / "cache"),
            "PREFECT_HOME": str(tmp_path / "prefect"),
            VARIABLE: mark,
        }
        with (tmp_path / "worker.log").open("wb") as log:
            subprocess.Popen(
                [sys.executable, "-P", "-m", "deployments.workers", "gpu"],
                cwd=tmp_path,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        publish(settings, tmp_path)
        status = promoted(settings, tmp_path)
        print(f"champion version {status['champion']} after {time.monotonic() - began:.0f} s")
    except BaseException:
        print(docker(*compose, "logs", "--tail", "30", **environment))
        raise
    finally:
        end_marked(mark)
        docker(*compose, "down", "--volumes", "--timeout", "20", **environment)


def publish(settings: dict[str, str], directory: Path) -> None:
    store = Store.from_settings(
        StoreSettings(
            _env_file=None,
            bucket=settings["GRASP_BUCKET"],
            endpoint_url=settings["AWS_ENDPOINT_URL_S3"],
            access_key_id=settings["AWS_ACCESS_KEY_ID"],
            secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )
    )
    create_world(store, seed=0)
    (trained,) = train_sources(IN_TIME[:1], directory / "sources", seed=0)
    publish_source(store, trained)


def promoted(settings: dict[str, str], directory: Path) -> dict:
    """Wait for the watch in its container, the absorb beside it, and the champion."""
    limit = time.monotonic() + 600
    while time.monotonic() < limit:
        done = subprocess.run(
            [Path(sys.executable).with_name("grasp"), "status", TARGET, "--json"],
            cwd=directory,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        (found,) = json.loads(done.stdout)["targets"]
        if found["champion"]:
            return found
        time.sleep(5)
    raise AssertionError((directory / "worker.log").read_text()[-3000:])
