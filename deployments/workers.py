"""Start a process worker for a pool, with the environment that it and its flow runs need.

Example: PREFECT_API_URL=http://127.0.0.1:4200/api python -m deployments.workers gpu
"""

import argparse
import sys
from pathlib import Path

from deployments.environment import environment_here, worker_environment
from deployments.supervise import supervise
from tasks.errors import InvalidSettings


def worker_command(pool: str) -> list[str]:
    """Give the command line of a process worker for a pool that exists.

    -P: a folder named `flows` or `tasks` where a worker is started does not stand before the package.
    """
    return [
        *(sys.executable, "-P", "-m", "prefect", "worker", "start"),
        *("--pool", pool, "--type", "process", "--install-policy", "never", "--no-create-pool-if-not-found"),
    ]


def environment_from(dotenv: Path) -> dict[str, str]:
    """Give this process's environment, completed from a .env file if there is one, ready for a worker.

    Flow runs work in a directory of their own, where no .env lies: the worker hands its variables down.
    """
    return {**environment_here(dotenv), **worker_environment()}


def run_worker(pool: str) -> int:
    """Run the worker of a pool; gives its exit code. SIGTERM or Ctrl-C ends it and the flow runs below it,
    within 20 seconds. With PREFECT_WORKER_WEBSERVER_PORT it tells there whether it is well.
    Raises InvalidSettings when no Prefect server is named.
    """
    environment = environment_from(Path(".env"))
    if not environment.get("PREFECT_API_URL") and not _address_in_profile():
        raise InvalidSettings(
            "PREFECT_API_URL is not set; set it in the environment or in .env; no worker was started"
        )
    health = ("--with-healthcheck",) if environment.get("PREFECT_WORKER_WEBSERVER_PORT") else ()
    return supervise([*worker_command(pool), *health], environment)


def main() -> None:
    """Start a worker from the command line, as `grasp worker` does."""
    parser = argparse.ArgumentParser(prog="python -m deployments.workers", description=__doc__)
    parser.add_argument("pool", help="cpu or gpu")
    try:
        sys.exit(run_worker(parser.parse_args().pool))
    except InvalidSettings as error:
        sys.exit(f"workers: {error}")


def _address_in_profile() -> str | None:
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


if __name__ == "__main__":
    main()
