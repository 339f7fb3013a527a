"""Backfill and retract on this worker: say what will happen, build the lineage, switch."""

from functools import partial

from prefect import get_run_logger

from flows.absorb_units import absorb_live
from flows.rebuild import Rebuilding, Rebuilt, build, build_and_switch
from tasks.absorbing.recorded import is_left
from tasks.absorbing.steps import keep_up, show
from tasks.absorbing.work import Work, open_work
from tasks.arrivals.find import known_arrival
from tasks.contracts.rebuild import BackfillRequest
from tasks.errors import OperationRefused
from tasks.journal.history import Historian, History, source_name
from tasks.lineages.backfill import backfill_of
from tasks.lineages.beside import check_needs
from tasks.lineages.course import chart, is_finished
from tasks.lineages.hint import begun_before
from tasks.lineages.plan import plan_text
from tasks.lineages.rebuild import Rebuild
from tasks.lineages.retract import retract_of, withdraw
from tasks.orchestration.absorb_runs import REBUILD_FLOWS, living_runs, older_living_run
from tasks.tracking.runs import end_stale_runs


def backfill_target(target: str, request: BackfillRequest, *, flow_run: str) -> str:
    """Do what a request asks, as far as it asks; give in words what came of it.

    Raises OperationRefused, NotThere when a blob or version that it needs is gone, and what stops an absorb.
    """
    work = open_work(target, by="backfill")
    history = Historian(work.journal).read()
    rebuild = begun_before(work, backfill_of(work.target, history, request, left=partial(is_left, work)))
    if is_finished(history, rebuild):
        show(work)
        return f"lineage {history.state.lineage} is the current one already; nothing was done"
    get_run_logger().info("%s", plan_text(work, history, rebuild))
    if request.then == "print":
        return f"would build lineage {rebuild.lineage}; nothing was done"
    going = _begin(work, rebuild, flow_run=flow_run, reason=f"backfill from {request.from_period}")
    if request.then == "compare":
        build(work, going)
        return f"lineage {rebuild.lineage} is built; the champion stays"
    return _said(work, build_and_switch(work, going))


def retract_source(target: str, arrival: str, *, reason: str, flow_run: str) -> str:
    """Withdraw an arrival, rebuild without it; give in words what came of it. Raises as backfill_target."""
    work = open_work(target, by="retract")
    historian = Historian(work.journal)
    known = historian.read()
    found = known_arrival(arrival, known.state, target=target)
    name = _name(known, found)
    withdraw(work.journal, found, reason=reason)
    history = historian.read()
    rebuild = retract_of(work.target, history, found, left=partial(is_left, work))
    if rebuild is None:
        show(work)
        return f"{name} is withdrawn; no ancestor of the champion, so nothing is rebuilt"
    get_run_logger().info("%s", plan_text(work, history, rebuild))
    going = _begin(work, rebuild, flow_run=flow_run, reason=f"retract of {name}: {reason[:500]}")
    return f"{name} is withdrawn; {_said(work, build_and_switch(work, going))}"


def _name(history: History, arrival: str) -> str:
    """Name an arrival by its source, as people do; one that was never decided goes by its id."""
    decided = (each for each in history.by_seq.values() if each.arrival_id == arrival)
    return next((source_name(each) for each in decided), arrival[:12])


def _begin(work: Work, rebuild: Rebuild, *, flow_run: str, reason: str) -> Rebuilding:
    other = older_living_run(rebuild.target, flow_run_id=flow_run, flows=REBUILD_FLOWS)
    if other:
        raise OperationRefused(
            f"target {rebuild.target}: a lineage is rebuilt already by {other.words}; wait for it, or cancel "
            "it if it is dead; the same command goes on where it was"
        )
    end_stale_runs(work.mlflow, rebuild.target, flow_run=flow_run, living=living_runs(rebuild.target))
    show(work)
    keep_up(work)
    check_needs(work, rebuild, chart(Historian(work.journal).read(), rebuild))

    def between() -> bool:
        # Where one GPU does everything, an absorb run would wait for this one: take what is ready in between.
        if older_living_run(rebuild.target, flow_run_id=flow_run) is None:
            absorb_live(work, flow_run)
        return True

    return Rebuilding(rebuild=rebuild, flow_run=flow_run, reason=reason, between=between)


def _said(work: Work, done: Rebuilt | None) -> str:
    if done is None or done.contest is None:
        return "stopped before its end; the same command goes on where it was"
    held = done.contest
    if done.switched:
        return f"lineage {done.lineage} took over, champion of {work.target.name} is version {held.head}"
    if held.verdict is None:
        return f"lineage {done.lineage} ends with version {held.head}, which is the champion; nothing changes"
    verdict = held.verdict
    return (
        f"lineage {done.lineage} is built, the champion stays version {held.champion} ({verdict.code}: found "
        f"{verdict.found}; needed {verdict.needed}); take version {held.head} all the same with: "
        f"grasp promote {work.target.name} {held.head} --reason …"
    )
