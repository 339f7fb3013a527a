"""The step of a rebuild that is a Prefect task of its own; all others are those of an absorb."""

from prefect import task

from tasks.absorbing.steps import OPTIONS
from tasks.absorbing.work import Work
from tasks.credentials.discretion import discreet
from tasks.lineages.rebuild import Rebuild
from tasks.lineages.switch import Contest, contest


@task(name="compare", task_run_name="compare {rebuild.lineage} with the champion", **OPTIONS)
@discreet()
def compare(work: Work, rebuild: Rebuild) -> Contest:
    """Hold the head of a rebuilt lineage against the champion."""
    return contest(work, rebuild)
