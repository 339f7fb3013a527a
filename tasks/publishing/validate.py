"""Every check that an arrival goes through, on the publisher's machine: nothing is sent."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tasks.arrivals.arrival import check_signature
from tasks.arrivals.waiting import outside
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import MAX_DOCUMENT_BYTES, read_document
from tasks.contracts.target import Target
from tasks.errors import BadArrival, InvalidDocument, Refusal, TerminalError
from tasks.publishing.checking import check_network, check_weights
from tasks.publishing.publish import weights_of


class Check(NamedTuple):
    """One check and what it found wrong, None: nothing; unchecked: what this machine could not look at."""

    what: str
    problem: str | None
    unchecked: str | None = None


def validate(file: Path, manifest: Path, target: Target) -> Iterator[Check]:
    """Run the checks in the order in which an arrival meets them; those that cannot run are left out."""
    document: list[Manifest] = []

    def read() -> None:
        with manifest.open("rb") as handle:
            body = handle.read(MAX_DOCUMENT_BYTES + 1)
        document.append(read_document(Manifest, body, name=str(manifest)))

    yield _check("the manifest keeps its contract", read)
    if not document:
        return
    (found,) = document
    yield _check(
        f"series {found.series} is one that {target.name} absorbs", lambda: _check_series(found, target)
    )
    yield Check(f"the period lies in the window of {target.name}", outside(found.period, target))
    yield _check(
        f"architecture, classes and input are those of {target.name}",
        lambda: check_signature(found, target, object=found.key),
    )
    yield _check(
        f"{found.architecture.id} can see images of {found.input.height} x {found.input.width} pixels",
        lambda: check_network(found),
    )
    yield _check(
        "the file has the size and SHA-256 that the manifest says", lambda: _check_bytes(file, found)
    )
    yield _check(
        f"the file holds exactly the tensors of {found.architecture.id}, all finite",
        lambda: check_weights(file, found.architecture, object=str(file)),
    )


def _check(what: str, run: Callable[[], str | None]) -> Check:
    try:
        unchecked = run()
    except BadArrival as error:
        return Check(what, f"{error.object}: found {error.found}; needed {error.needed}")
    except TerminalError as error:
        return Check(what, str(error))
    return Check(what, None, unchecked)


def _check_series(manifest: Manifest, target: Target) -> None:
    if manifest.series not in target.series:
        raise InvalidDocument(f"{manifest.series}: found in the manifest, needed {', '.join(target.series)}")


def _check_bytes(file: Path, manifest: Manifest) -> None:
    weights = weights_of(file)
    codes: dict[str, Refusal] = {"size_bytes": "blob_size", "sha256": "blob_digest"}
    for field, code in codes.items():
        found, needed = getattr(weights, field), getattr(manifest.weights, field)
        if found != needed:
            raise BadArrival(code, object=str(file), found=f"{field} {found}", needed=f"{needed}")
