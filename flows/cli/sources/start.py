"""Where a source's training starts: at a target's served version, its bytes fetched and checked."""

import re
from pathlib import Path
from typing import NamedTuple

from tasks.contracts.manifest import Parent
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument

_WHICH = re.compile(r"\A([^@]+)@(champion|[1-9][0-9]{0,8})\Z")


class Start(NamedTuple):
    """The target that the version is of, its served weights, and how a manifest names it."""

    target: Target
    file: Path
    parent: Parent


def start_at(which: str, directory: Path) -> Start:
    """Fetch TARGET@champion, or TARGET@ and a version's number, as `grasp champion pull` does.

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
    served = expected_digests(work, version).served
    parent = Parent(weights_sha256=served, target=said[1], registry_version=version)
    return Start(work.target, fetch_known(work, version, directory).served, parent)
