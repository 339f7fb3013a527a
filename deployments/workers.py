"""Start a process worker for a pool, with the environment that it and its flow runs need.

Example: PREFECT_API_URL=http://127.0.0.1:4200/api python -m deployments.workers gpu
"""

import argparse
import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from deployments.environment import worker_environment
from deployments.supervise import supervise


def worker_command(pool: str) -> list[str]:
    """Give the command line of a process worker for a pool that exists."""
    return [
        *(sys.executable, "-m", "prefect", "worker", "start"),
        *("--pool", pool, "--type", "process", "--install-policy", "never", "--no-create-pool-if-not-found"),
    ]


def environment_from(dotenv: Path) -> dict[str, str]:
    """Give this process's environment, completed from a .env file if there is one, ready for a worker.

    Flow runs work in a directory of their own, where no .env lies: the worker hands its variables down.
    """
    written = {name: value for name, value in dotenv_values(dotenv).items() if value is not None}
    return {**written, **os.environ, **worker_environment()}


def main() -> None:
    """Run the worker. SIGTERM or Ctrl-C ends it and the flow runs below it, within 20 seconds."""
    parser = argparse.ArgumentParser(prog="python -m deployments.workers", description=__doc__)
    parser.add_argument("pool", help="cpu or gpu")
    command = worker_command(parser.parse_args().pool)
    environment = environment_from(Path(".env"))
    if not environment.get("PREFECT_API_URL") and not _address_in_profile():
        sys.exit("workers: PREFECT_API_URL is not set; set it in the environment or in .env")
    sys.exit(supervise(command, environment))


def _address_in_profile() -> str | None:
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


if __name__ == "__main__":
    main()
