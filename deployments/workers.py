"""Start a process worker for a pool, with the environment that it and its flow runs need.

Example: PREFECT_API_URL=http://127.0.0.1:4200/api python -m deployments.workers gpu
"""

import argparse
import re
import socket
import sys
from pathlib import Path

from deployments.environment import environment_here, worker_environment
from deployments.supervise import supervise
from tasks.errors import InvalidSettings

_DEVICE = re.compile(r"\A(cpu|(\d{1,3}|GPU-[0-9a-f-]{8,36})(,(\d{1,3}|GPU-[0-9a-f-]{8,36}))*)\Z")


def worker_command(pool: str) -> list[str]:
    """Give the command line of a process worker for a pool that exists.

    -P: a folder named `flows` or `tasks` where a worker is started does not stand before the package.
    """
    return [
        *(sys.executable, "-P", "-m", "prefect", "worker", "start"),
        *("--pool", pool, "--type", "process", "--install-policy", "never", "--no-create-pool-if-not-found"),
    ]


def on_device(pool: str, device: str) -> tuple[list[str], dict[str, str]]:
    """Give what a worker of one GPU adds to its command and its environment.

    device: its number or UUID, as nvidia-smi has it; several with commas, for targets that train on several;
    cpu for none. The worker sees no other, and takes one flow run at a time.
    Raises InvalidSettings for what is none of these.
    """
    if not _DEVICE.match(device):
        raise InvalidSettings(
            f"--device is {device!r}, needs the number of a GPU such as 0, its UUID, several with commas, "
            "or cpu; no worker was started"
        )
    name = f"{pool}-{socket.gethostname()}-{device.replace(',', '-')}"
    seen = {"CUDA_VISIBLE_DEVICES": "", "GRASP_DEVICE": "cpu"}
    if device != "cpu":
        seen = {"CUDA_VISIBLE_DEVICES": device, "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "GRASP_DEVICE": "cuda"}
    return ["--limit", "1", "--name", name], seen


def environment_from(dotenv: Path) -> dict[str, str]:
    """Give this process's environment, completed from a .env file if there is one, ready for a worker.

    Flow runs work in a directory of their own, where no .env lies: the worker hands its variables down.
    """
    return {**environment_here(dotenv), **worker_environment()}


def run_worker(pool: str, *, device: str | None = None) -> int:
    """Run the worker of a pool; gives its exit code. SIGTERM or Ctrl-C ends it and the flow runs below it,
    within 20 seconds. With PREFECT_WORKER_WEBSERVER_PORT it tells there whether it is well.
    device: see on_device; without it the worker sees every GPU, and takes what the pool's limit allows.
    Raises InvalidSettings when no Prefect server is named.
    """
    environment = environment_from(Path(".env"))
    if not environment.get("PREFECT_API_URL") and not _address_in_profile():
        raise InvalidSettings(
            "PREFECT_API_URL is not set; set it in the environment or in .env; no worker was started"
        )
    health = ("--with-healthcheck",) if environment.get("PREFECT_WORKER_WEBSERVER_PORT") else ()
    options, seen = on_device(pool, device) if device is not None else ([], {})
    return supervise([*worker_command(pool), *health, *options], {**environment, **seen})


def main() -> None:
    """Start a worker from the command line, as `grasp worker` does."""
    parser = argparse.ArgumentParser(prog="python -m deployments.workers", description=__doc__)
    parser.add_argument("pool", help="cpu or gpu")
    parser.add_argument("--device", help="the GPU that it works on: 0, a UUID, cpu")
    options = parser.parse_args()
    try:
        sys.exit(run_worker(options.pool, device=options.device))
    except InvalidSettings as error:
        sys.exit(f"workers: {error}")


def _address_in_profile() -> str | None:
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


if __name__ == "__main__":
    main()
