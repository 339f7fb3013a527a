"""Take a registered version home: its weights, its card and its documents, checked against the journal."""

from pathlib import Path
from typing import NamedTuple

from tasks.absorbing.measure import expected_digests
from tasks.absorbing.recorded import fetch_known
from tasks.absorbing.work import Work
from tasks.errors import NotThere, OperationRefused
from tasks.private import private_directory
from tasks.registry.stored import fetch_card


class Pulled(NamedTuple):
    """What lies in the directory now."""

    registry_version: int
    served_sha256: str
    files: tuple[str, ...]


def chosen(work: Work, version: int | None) -> int:
    """Give the version that was asked for, the champion where none was. Raises NotThere."""
    champion = work.journal.state().champion
    if version is not None or champion is not None:
        return version or champion or 0
    raise NotThere(
        f"target {work.target.name} has no champion yet; publish a source and wait for its absorb, or name "
        "a version"
    )


def pull(work: Work, directory: Path, *, version: int | None = None) -> Pulled:
    """Write a version's files and its model card into a new directory.

    Raises OperationRefused when the directory holds something, NotThere when the version or its bytes are
    gone, StoredDiffers when they are others than were promoted.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise OperationRefused(
            f"{directory}: holds something already, needs to be new or empty; nothing was pulled"
        )
    number = chosen(work, version)
    expected = expected_digests(work, number)
    with private_directory(directory.parent) as private:
        files = fetch_known(work, number, private)
        card = fetch_card(work.mlflow, work.target.name, version=number, directory=private)
        directory.mkdir(exist_ok=True)
        for path in [*sorted(files.served.parent.iterdir()), card]:
            path.rename(directory / path.name)
    return Pulled(number, expected.served, tuple(sorted(path.name for path in directory.iterdir())))
