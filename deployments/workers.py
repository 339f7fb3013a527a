"""Start a process worker for a pool, with the environment that it and its flow runs need.

Example: PREFECT_API_URL=http://127.0.0.1:4200/api python -m deployments.workers gpu
"""

import argparse
import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from deployments.environment import worker_environment
from tasks.logins import part_logins


def worker_command(pool: str) -> list[str]:
    """Give the command line of a process worker for a pool that exists."""
    return [
        *(sys.executable, "-m", "prefect", "worker", "start"),
        *("--pool", pool, "--type", "process", "--install-policy", "never", "--no-create-pool-if-not-found"),
    ]


def environment_from(dotenv: Path) -> dict[str, str]:
    """Give this process's environment, completed from a .env file if there is one, ready for a worker.

    Flow runs work in a directory of their own, where no .env lies: the worker hands its variables down.
    Logins are taken out of addresses, which Prefect and MLflow would write into logs and states.
    """
    written = {name: value for name, value in dotenv_values(dotenv).items() if value is not None}
    environment = {**written, **os.environ, **worker_environment()}
    part_logins(environment, written={})
    return environment


def main() -> None:
    """Become the worker: signals reach it directly, and stopping it ends the flow runs below it."""
    parser = argparse.ArgumentParser(prog="python -m deployments.workers", description=__doc__)
    parser.add_argument("pool", help="cpu or gpu")
    command = worker_command(parser.parse_args().pool)
    os.execve(command[0], command, environment_from(Path(".env")))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
