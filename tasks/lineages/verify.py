"""Compute a version again from its lineage, on CPU, and compare the files bit for bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from grasp_core.levers import named
from grasp_core.seed import conditions
from tasks.absorbing.recorded import fetch_known
from tasks.absorbing.work import Work
from tasks.candidates.candidate import Files, Parent
from tasks.candidates.device import computing
from tasks.candidates.ranks.launch import absorb_over
from tasks.contracts.journal import Decided
from tasks.data.datasets import load_dataset
from tasks.errors import StoredDiffers
from tasks.journal.history import Historian, History, source_name
from tasks.lineages.beside import manifest_of
from tasks.lineages.rebuild import Source
from tasks.lineages.recipe import recipe_of
from tasks.weights.blobs import fetch_weights

CPU = torch.device("cpu")


class Verified(NamedTuple):
    """One version, computed again. unlike: conditions that differ from the recorded ones, as "name: a, b"."""

    version: int
    source: str
    same: bool
    found: str
    recorded: str
    unlike: tuple[str, ...]


def verify(work: Work, version: int, *, last: int | None = None) -> Iterator[Verified]:
    """Compute a version's lineage again, oldest first, each version from the one just computed.

    last: only so many steps, the first of them from the stored version before it. Ends at the first version
    that differs. Takes the recorded numbers of torch's threads and of ranks. Raises NotThere when a blob,
    version, data set or MLflow run is gone, StoredDiffers when what is stored names other sources than the
    journal.
    """
    history = Historian(work.journal).read()
    chain = history.chain(version)
    _check_ancestors(work, chain)
    steps = chain if last is None else chain[-last:]
    with work.directory() as directory:
        parent = _stored_parent(work, steps[0], directory / "parent")
        for number, decided in enumerate(steps):
            scratch = directory / str(number)
            scratch.mkdir()
            files, unlike = _again(work, history, decided, parent=parent, directory=scratch)
            result = _compared(decided, files, unlike)
            yield result
            if files is None or not result.same:
                return
            parent = Parent(registry_version=result.version, served=files.served, stem=files.stem)


def _again(
    work: Work, history: History, decided: Decided, *, parent: Parent | None, directory: Path
) -> tuple[Files | None, tuple[str, ...]]:
    recipe = recipe_of(work, decided)
    torch.set_num_threads(int(recipe.environment.get("threads", torch.get_num_threads())))
    levers = named(recipe.environment.get("levers", ""))
    devices = recipe.environment.get("devices", "1")
    here = conditions() | {"device": "cpu", "levers": levers.name, "devices": devices}
    unlike = tuple(
        f"{name}: recorded {recorded}, here {here.get(name, 'unknown')}"
        for name, recorded in recipe.environment.items()
        if here.get(name) != recorded
    )
    source = Source(
        arrival_id=decided.arrival_id, accepted_seq=history.accepted_seq(decided.arrival_id), decided=decided
    )
    weights = manifest_of(work.journal, source).weights
    with computing(levers):
        candidate = absorb_over(
            recipe.target,
            load_dataset(work.store, recipe.target.dataset, cache_dir=work.settings.cache_dir),
            devices=int(devices),
            source=fetch_weights(work.store, weights, cache_dir=work.settings.cache_dir),
            parent=parent,
            directory=directory,
            device=CPU,
            levers=levers,
            on_epoch=lambda _: None,
        )
    return candidate.files, unlike


def _compared(decided: Decided, files: Files | None, unlike: tuple[str, ...]) -> Verified:
    found = (files.served_sha256, files.stem_sha256) if files else (None, None)
    recorded = (decided.weights_sha256, decided.stem_sha256)
    return Verified(
        version=decided.registry_version or 0,
        source=source_name(decided),
        same=found == recorded,
        found=f"served {found[0]}, stem {found[1]}",
        recorded=f"served {recorded[0]}, stem {recorded[1]}",
        unlike=unlike,
    )


def _stored_parent(work: Work, decided: Decided, directory: Path) -> Parent | None:
    version = decided.parent_version
    if version is None:
        return None
    directory.mkdir()
    files = fetch_known(work, version, directory)
    return Parent(registry_version=version, served=files.served, stem=files.stem)


def _check_ancestors(work: Work, chain: list[Decided]) -> None:
    version = chain[-1].registry_version or 0
    with work.directory() as directory:
        files = fetch_known(work, version, directory)
    stored = [each.source for each in files.ancestors]
    if stored != [decided.source for decided in chain]:
        raise StoredDiffers(
            f"version {version} of {work.target.name}: beside its weights stand the sources "
            f"{[f'{s.series}/{s.period.label}' for s in stored]}, the journal says "
            f"{[source_name(decided) for decided in chain]}"
        )
