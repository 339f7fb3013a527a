"""Where a source's training starts: at a version of a target, its bytes fetched and checked."""

import re
from pathlib import Path
from typing import NamedTuple

from tasks.contracts.manifest import Parent
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument

_WHICH = re.compile(r"\A([^@]+)@(champion|[1-9][0-9]{0,8})\Z")


class Start(NamedTuple):
    """The target that the version is of, the weights to go on from, and how a manifest names them."""

    target: Target
    file: Path
    parent: Parent


def start_at(which: str, directory: Path) -> Start:
    """Fetch TARGET@champion, or TARGET@ and a version's number, as `grasp champion pull` does.

    What guarded mode serves was trained on the target's labels: they could not judge its descendants. So its
    stem is the start, which no label has trained; a version without one of its own is the start itself.
    Measured in docs/benchmark.md, "Where sources start".
    Raises InvalidDocument for other words, NotThere when the version or its bytes are gone, StoredDiffers
    when they are others than were promoted.
    """
    from tasks.absorbing.measure import expected_digests
    from tasks.absorbing.recorded import fetch_known
    from tasks.absorbing.work import open_work
    from tasks.operations.pull import chosen

    said = _WHICH.match(which)
    if said is None:
        raise InvalidDocument(f"--from {which}: needs TARGET@champion or TARGET@VERSION; nothing was trained")
    work = open_work(said[1], by="grasp train-source")
    version = chosen(work, None if said[2] == "champion" else int(said[2]))
    expected, files = expected_digests(work, version), fetch_known(work, version, directory)
    digest, file = expected.served, files.served
    if expected.stem and files.stem:
        digest, file = expected.stem, files.stem
    parent = Parent(weights_sha256=digest, target=said[1], registry_version=version)
    return Start(work.target, file, parent)
