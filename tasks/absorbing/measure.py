"""Registered versions as the journal knows them: usable ones, and how they do on the gate split."""

from tasks.absorbing.recorded import fetch_known
from tasks.absorbing.work import Work
from tasks.candidates.device import device_of
from tasks.candidates.gate import Reference
from tasks.candidates.measure import Measured, measure
from tasks.contracts.state import Point, State
from tasks.data.datasets import load_dataset
from tasks.errors import NotThere
from tasks.registry.stored import ModelDigests, verify_stored
from tasks.weights.grown import load_grown

SHOWN = 20


def usable_version(work: Work, version: int) -> Point:
    """Give what the journal knows of a version, its stored bytes checked.

    Raises NotThere when the journal knows no such version or its bytes are gone, StoredDiffers when they are
    others.
    """
    point, expected = _known(work, work.journal.state(), version)
    verify_stored(work.mlflow, work.target.name, version=version, expected=expected, scratch=work.scratch)
    return point


def measure_version(work: Work, version: int) -> Reference:
    """Measure a version on the target's gate split, here and now. Raises as usable_version."""
    measured = measured_version(work, version)
    return Reference(registry_version=version, correct=measured.correct, loss=measured.gate.loss)


def measured_version(work: Work, version: int) -> Measured:
    """Measure a version on the target's gate and test splits, here and now. Raises as usable_version.

    One from before a class was added gives that class to no image, so it is wrong on all of them.
    """
    _known(work, work.journal.state(), version)
    dataset = load_dataset(work.store, work.target.dataset, cache_dir=work.settings.cache_dir)
    with work.directory() as directory:
        files = fetch_known(work, version, directory)
        model = load_grown(files.served, work.target.architecture).to(device_of(work.settings.device))
    return measure(model, work.target, dataset)


def expected_digests(work: Work, version: int) -> ModelDigests:
    """Give the digests that a version's files must have, as the journal knows them. Raises NotThere."""
    return _known(work, work.journal.state(), version)[1]


def _known(work: Work, state: State, version: int) -> tuple[Point, ModelDigests]:
    point = state.versions.get(version)
    if point is None or point.served_sha256 is None:
        known = ", ".join(map(str, sorted(state.versions)[-SHOWN:])) or "none"
        raise NotThere(
            f"target {work.target.name} has no decided version {version} (there are: {known}); "
            "nothing was changed"
        )
    return point, ModelDigests(served=point.served_sha256, stem=point.stem_sha256)
