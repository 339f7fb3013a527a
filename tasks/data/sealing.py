"""Files that were prepared, bound to what they were then: nobody publishes what a disk or a hand changed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tasks.data.datasets import SPLITS

PARTS = ("images.npy", "labels.npy", "ids.json")


def digests_of(folder: Path) -> dict[str, str]:
    """Digest the files of all splits, by name."""
    return {f"{split}-{part}": _sha256(folder / f"{split}-{part}") for split in SPLITS for part in PARTS}


def check_unchanged(folder: Path, digests: Mapping[str, str]) -> None:
    """Raise ValueError when a file is not the one of its digest, FileNotFoundError when it is gone."""
    others = [name for name, digest in digests.items() if _sha256(folder / name) != digest]
    if others:
        raise ValueError(f"{', '.join(others)} changed since it was prepared")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
