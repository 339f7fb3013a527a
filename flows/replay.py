"""Replay a batch of late arrivals: the lineage from its earliest late period on, in the same absorb run."""

from collections.abc import Callable, Sequence
from functools import partial

from prefect import get_run_logger

from flows.rebuild import Rebuilding, Rebuilt, build_and_switch
from tasks.absorbing.decide import claim, take_back
from tasks.absorbing.infrastructure import infrastructure
from tasks.absorbing.recorded import is_left
from tasks.absorbing.steps import keep_up
from tasks.absorbing.work import Work
from tasks.arrivals.arrival import Arrival
from tasks.errors import GraspError
from tasks.journal.history import Historian
from tasks.lineages.replay import decline, replay_of


def replay(work: Work, late: Sequence[Arrival], *, flow_run: str, between: Callable[[], bool]) -> bool:
    """Take late arrivals into a lineage of their own; False when the attempt broke off without a decision.

    The arrivals stay open until the rebuilt lineage takes over or is refused, so that a death is seen and
    the next absorb goes on where this one was. Raises what is not their fault; that attempt does not count.
    """
    batch = tuple(each for each in late if claim(work.journal, work.target, each, flow_run=flow_run))
    if not batch:
        return True
    try:
        keep_up(work)
        done = _build(work, batch, flow_run=flow_run, between=between)
    except GraspError as error:
        _take_back(work, batch, str(error))
        raise
    except Exception as error:
        if away := infrastructure(error):
            _take_back(work, batch, str(away))
            raise away from error
        get_run_logger().exception("the replay of %s broke off", batch[0].manifest.key)
        return False
    except BaseException:  # cancelled, or the worker is stopping: nobody's fault
        _take_back(work, batch, "the flow run was ended from outside")
        raise
    if done is None:
        _take_back(work, batch, "the replay was stopped")
    elif not done.switched:
        verdict = done.contest.verdict if done.contest else None
        for arrival in batch:
            decline(work.journal, arrival, verdict, lineage=done.lineage)
    return True


def _build(
    work: Work, batch: tuple[Arrival, ...], *, flow_run: str, between: Callable[[], bool]
) -> Rebuilt | None:
    rebuild = replay_of(work.target, Historian(work.journal).read(), batch, left=partial(is_left, work))
    names = ", ".join(f"{each.manifest.series}/{each.manifest.period.label}" for each in batch)
    get_run_logger().info("replay of %s as lineage %s", names, rebuild.lineage)

    def goes_on() -> bool:
        return between() and any(arrival.id in work.journal.last.open for arrival in batch)

    going = Rebuilding(
        rebuild=rebuild, flow_run=flow_run, reason=f"replay of {names[:500]}", between=goes_on, late=batch
    )
    return build_and_switch(work, going)


def _take_back(work: Work, batch: tuple[Arrival, ...], reason: str) -> None:
    for arrival in batch:
        take_back(work.journal, arrival, reason=reason)
