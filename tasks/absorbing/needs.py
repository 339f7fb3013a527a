"""What an absorb cannot do without, looked at before an attempt is claimed: the champion and its registry."""

from datetime import UTC, datetime

from tasks.absorbing.recorded import data_of, decision_on
from tasks.absorbing.work import Work
from tasks.errors import NotThere
from tasks.registry.stored import data_of_version
from tasks.tracking.api import answering

MADE_AGAIN = "grasp.made_again"  # tag of a registered model that grasp repair made


def need_champion(work: Work) -> None:
    """Raise NotThere, with what helps, when nothing can be absorbed because something was deleted."""
    name, champion = work.target.name, work.journal.last.champion
    if champion is None:
        return
    try:
        data_of_version(work.mlflow, name, version=champion)
        return
    except NotThere:
        need_registry(work)
    try:
        data_of(work, champion)
    except NotThere as error:
        raise NotThere(
            f"target {name}: nothing can be absorbed, the bytes of its champion, version {champion}, are "
            f"gone ({error}); grasp repair {name} lists what may take its place"
        ) from error


def need_registry(work: Work) -> None:
    """Raise NotThere when the registered model that the journal speaks of was deleted, or made anew since."""
    name, known = work.target.name, work.journal.last.versions
    helps = f"nothing is absorbed; grasp repair {name} says what can be made again"
    try:
        with answering(f"registered model {name}"):
            model = work.mlflow.get_registered_model(name)
    except NotThere as error:
        raise NotThere(
            f"registered model {name}: was deleted in MLflow, the journal has {len(known)} versions; {helps}"
        ) from error
    made = datetime.fromtimestamp(model.creation_timestamp / 1000, UTC)
    newest = decision_on(work.journal, max(known))
    if newest is not None and made > newest.at and MADE_AGAIN not in model.tags:
        raise NotThere(
            f"registered model {name}: is another than the journal's, made anew on {made:%Y-%m-%d %H:%M}, "
            f"so its numbers mean other versions; rename it, then: {helps}"
        )
