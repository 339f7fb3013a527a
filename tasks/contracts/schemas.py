"""JSON Schemas of all documents: `python -m tasks.contracts.schemas docs/schemas` writes them."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.contracts.dataset import Dataset
from tasks.contracts.journal import Entry
from tasks.contracts.manifest import Manifest
from tasks.contracts.state import Projected, State
from tasks.contracts.target import Target

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENTS: dict[str, TypeAdapter[Any]] = {
    "manifest": TypeAdapter(Manifest),
    "target": TypeAdapter(Target),
    "dataset": TypeAdapter(Dataset),
    "journal-entry": TypeAdapter(Entry),
    "state": TypeAdapter(State),
    "projected": TypeAdapter(Projected),
}


def schemas() -> dict[str, str]:
    """Give the schema of every document as JSON text, by file name.

    A schema says less than the code: dates in order, key parts equal to fields and the like are checked by
    `grasp validate`.
    """
    return {
        f"{name}.json": json.dumps({"$schema": DIALECT, **adapter.json_schema()}, indent=1) + "\n"
        for name, adapter in DOCUMENTS.items()
    }


def write(directory: Path) -> None:
    """Write every schema into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (directory / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
