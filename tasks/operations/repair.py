"""What a person deleted in MLflow under a target, what that stops, and what brings it back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.absorbing.needs import need_registry
from tasks.absorbing.project import project
from tasks.absorbing.recorded import decision_on, is_left
from tasks.absorbing.work import Work
from tasks.contracts.state import State
from tasks.errors import NotThere
from tasks.operations.remake import remake, remakes
from tasks.registry.registry import aliases
from tasks.tracking.api import answering

CHOICES = 5  # earlier champions that are offered


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that is gone. then: what that means, or what helps; mend: brings it back, if anything can."""

    what: str
    then: str
    mend: Callable[[], object] | None = None


def findings(work: Work) -> list[Finding]:
    """Hold MLflow against the journal. Reads only; raises what answering does."""
    state = work.journal.state()
    found = [*_experiment(work, state)]
    registry = list(_registry(work, state)) or list(_another(work, state))
    found += registry or [*_champion(work, state), *_previous(work, state)]
    if not found and state.versions and _differ(work, state):
        said = "written as the journal says"
        found.append(
            Finding(what="the aliases differ from the journal", then=said, mend=lambda: project(work))
        )
    return found


def repair(work: Work, found: list[Finding]) -> None:
    """Bring back what can be, then let MLflow show the journal again. Can be done again."""
    for each in found:
        if each.mend:
            each.mend()
    project(work)


def _experiment(work: Work, state: State) -> Iterator[Finding]:
    name = work.target.name
    with answering(f"experiment {name}"):
        found = work.mlflow.get_experiment_by_name(name)
    if found is None and state.versions:
        said = "the next absorb begins a new one; what was logged before is lost"
        yield Finding(what=f"experiment {name} is gone from MLflow for good", then=said)
    elif found is not None and found.lifecycle_stage != "active":

        def restore() -> None:
            with answering(f"experiment {name}"):
                work.mlflow.restore_experiment(found.experiment_id)

        said = "restored with its runs; until then nothing is absorbed"
        yield Finding(what=f"experiment {name} was deleted in MLflow", then=said, mend=restore)


def _registry(work: Work, state: State) -> Iterator[Finding]:
    plan = remakes(work) if state.versions else None
    if plan is None:
        return
    lost = f"; the bytes of {_listed(plan.lost)} are gone" if plan.lost else ""
    yield Finding(
        what=f"registered model {work.target.name} was deleted in MLflow",
        then=f"made again with versions {_listed(sorted(plan.models)) or 'none'}{lost}",
        mend=lambda: remake(work, plan),
    )
    if state.champion is not None and state.champion not in plan.models:
        left = [version for version in _served(state) if version in plan.models]
        yield Finding(
            what=f"the bytes of version {state.champion}, the champion, are gone",
            then=_choices(work, state, left),
        )


def _another(work: Work, state: State) -> Iterator[Finding]:
    """Find a model that somebody made anew under the name: it is his, so it is not touched."""
    try:
        if state.versions:
            need_registry(work)
    except NotThere as error:
        yield Finding(
            what=str(error), then=f"rename it (in MLflow's UI), then grasp repair {work.target.name}"
        )


def _champion(work: Work, state: State) -> Iterator[Finding]:
    champion = state.champion
    if champion is None or _is_registered(work, champion):
        if champion is None or is_left(work, champion):
            return
        what = f"the bytes of version {champion}, the champion, are gone; nothing is absorbed until then"
    elif is_left(work, champion):
        what = (
            f"version {champion}, the champion, was deleted in MLflow: nobody can load @champion; its bytes "
        )
        what += "are left, so arrivals are absorbed, and the next one that is promoted is served"
    else:
        what = f"version {champion}, the champion, was deleted in MLflow with its bytes; nothing is absorbed"
    left = [each for each in _served(state) if _is_registered(work, each) and is_left(work, each)]
    yield Finding(what=what, then=_choices(work, state, left[:CHOICES]))


def _previous(work: Work, state: State) -> Iterator[Finding]:
    if state.previous is not None and not _is_registered(work, state.previous):
        said = (
            "alias previous is left out; nothing else needs it: give grasp rollback the version to go back to"
        )
        yield Finding(what=f"version {state.previous}, the champion before, was deleted in MLflow", then=said)


def _choices(work: Work, state: State, left: list[int]) -> str:
    """Name the commands of which a person has to choose one."""
    name = work.target.name
    back = [f"grasp rollback {name} {version} --reason …" for version in left[:CHOICES]]
    decided = decision_on(work.journal, state.champion or 0)
    label = decided.source.period.label if decided and decided.source else "PERIOD"
    again = f"grasp backfill {name} --from {label} --apply (makes it again, from its source)"
    return "choose: " + "; or ".join([*back, again])


def _served(state: State) -> list[int]:
    """Give the versions that were champion before, newest first."""
    roles = {version: point.role for version, point in state.versions.items() if version != state.champion}
    return sorted((version for version, role in roles.items() if role != "candidate"), reverse=True)


def _is_registered(work: Work, version: int) -> bool:
    try:
        with answering(f"version {version} of {work.target.name}"):
            work.mlflow.get_model_version(work.target.name, str(version))
    except NotThere:
        return False
    return True


def _differ(work: Work, state: State) -> bool:
    needed = {"champion": state.champion, "previous": state.previous}
    return aliases(work.mlflow, work.target.name) != {k: v for k, v in needed.items() if v is not None}


def _listed(versions: list[int]) -> str:
    return ", ".join(map(str, versions))
