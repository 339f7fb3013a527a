"""Start a process worker for a pool, with the environment that it and its flow runs need.

Example: PREFECT_API_URL=http://127.0.0.1:4200/api python -m deployments.workers gpu
"""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from deployments.environment import environment_here, worker_environment


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


def become_worker(pool: str) -> NoReturn:
    """Become the worker: signals reach it directly, and stopping it ends the flow runs below it."""
    command = worker_command(pool)
    os.execve(command[0], command, environment_from(Path(".env")))  # noqa: S606 - no shell is wanted


def main() -> None:
    """Start a worker from the command line, as `grasp worker` does."""
    parser = argparse.ArgumentParser(prog="python -m deployments.workers", description=__doc__)
    parser.add_argument("pool", help="cpu or gpu")
    become_worker(parser.parse_args().pool)


if __name__ == "__main__":
    main()
