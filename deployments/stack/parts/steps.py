"""What is done once a server is there, as often as you like: `python -m deployments.stack.parts.steps`.

Each step is a process of its own, and imports what it needs alone: Prefect takes seconds.
"""

import sys
from importlib import import_module
from pathlib import Path

from deployments.stack.layout import read_layout

STEPS = {
    "postgres-files": "databases:make_files",
    "databases": "databases:make_databases",
    "buckets": "buckets:make_buckets",
    "accounts": "accounts:make_accounts",
    "deployed": "settled:deploy",
}


def main() -> None:
    """Do a step; its name and the stack's directory are the arguments."""
    name, directory = sys.argv[1:]
    module, _, function = STEPS[name].partition(":")
    getattr(import_module(f"deployments.stack.parts.{module}"), function)(read_layout(Path(directory)))


if __name__ == "__main__":
    main()
