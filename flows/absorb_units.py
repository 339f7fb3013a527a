"""The units of work of an absorb run: one source after the other, from its blob to the champion."""

from collections.abc import Sequence

from prefect import get_run_logger, tags

from flows.replay import replay
from grasp_core.errors import IncompatibleSource, NonFiniteLoss
from tasks.absorbing.decide import break_off, claim, take_back
from tasks.absorbing.infrastructure import infrastructure
from tasks.absorbing.needs import need_champion
from tasks.absorbing.steps import decide, fetch, keep_up, produce, show
from tasks.absorbing.work import Work, open_work
from tasks.arrivals.arrival import Arrival
from tasks.arrivals.lateness import is_late
from tasks.arrivals.refuse import refuse_arrival, unfit
from tasks.arrivals.triage import triage
from tasks.arrivals.unit import plan
from tasks.candidates.device import check_devices, device_of
from tasks.errors import BadArrival, BlobChanged, GraspError, JournalMoved, RankLost
from tasks.journal.recent import decided_since, recent_decisions
from tasks.journal.wording import decided_words
from tasks.orchestration.absorb_runs import living_runs
from tasks.orchestration.artifacts import show_decisions
from tasks.private import sweep
from tasks.tracking.runs import end_stale_runs
from tasks.weights.grown import check_grows
from tasks.weights.sight import check_seen


def absorb_all(target: str, *, flow_run: str) -> str:
    """Absorb all that is ready for a target, in period order, looking again before the end.

    flow_run: id of the run that works. Says what was decided meanwhile: `5 promoted, 2 rejected`.
    Raises RuntimeError at the end when an attempt broke off, and at once what is not an arrival's fault
    (store, MLflow, the target's data).
    """
    work = open_work(target, by="absorb")
    # A wrong setting, or a network that cannot see the target's images, is no arrival's fault: it fails
    # before any is claimed.
    check_devices(work.target, device_of(work.settings.device))
    check_seen(work.target.architecture, work.target.input)
    if work.target.grown_from:
        check_grows(work.target.architecture, work.target.input)
    end_stale_runs(work.mlflow, target, flow_run=flow_run, living=living_runs(target))
    sweep(work.scratch)
    show(work)
    failed: list[str] = []
    began = work.journal.last.seq
    while ready := look(work):
        need_champion(work)
        in_order, late = sort_out(work, ready)
        if in_order:
            failed += absorb_each(work, in_order, flow_run)
        elif not replay(work, late, flow_run=flow_run, between=lambda: absorb_live(work, flow_run)):
            failed += [arrival.manifest.key for arrival in late]
    if failed:
        raise RuntimeError(f"{', '.join(failed)}: the attempt broke off, the log says why; tried again later")
    return decided_since(work.journal, began)


def look(work: Work) -> tuple[Arrival, ...]:
    """List what is ready now for the target as it is now; nothing while the target is paused."""
    work.heed()
    found = triage(work.store, work.target, work.journal, pending_limit=work.pending_limit, rule=work.rule)
    return () if is_paused(work) else found.ready


def is_paused(work: Work) -> bool:
    """Say whether nothing is to be absorbed; as of the journal last read."""
    return work.target.paused or work.journal.last.paused


def sort_out(work: Work, ready: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """Part what can be absorbed into the champion from late arrivals that need a replay."""
    replays = work.target.late == "replay"
    late = [arrival for arrival in ready if replays and is_late(arrival, work.journal.last)]
    return [arrival for arrival in ready if arrival not in late], late


def absorb_live(work: Work, flow_run: str) -> bool:
    """Absorb what has become ready while a lineage is rebuilt; False when the target is paused."""
    in_order, _ = sort_out(work, look(work))
    absorb_each(work, in_order, flow_run)
    return not is_paused(work)


def absorb_each(work: Work, arrivals: Sequence[Arrival], flow_run: str) -> list[str]:
    """Absorb one after the other until the target is paused; give the keys whose attempt broke off."""
    failed = []
    for arrival in arrivals:
        if not absorb_arrival(work, arrival, flow_run):
            failed.append(arrival.manifest.key)
        if is_paused(work):
            break
    return failed


def absorb_arrival(work: Work, arrival: Arrival, flow_run: str) -> bool:
    """Take one source through its unit of work; False when the attempt broke off without a decision.

    Raises what is not the arrival's fault (store, MLflow, Prefect, the target's data); that attempt does not
    count.
    """
    if not claim(work.journal, work.target, arrival, flow_run=flow_run):
        return True
    try:
        with tags(*_tags(work, arrival)):
            absorb_unit(work, arrival, flow_run)
    except BadArrival as error:
        refuse(work, arrival, error)
    except (IncompatibleSource, NonFiniteLoss) as error:
        refuse(work, arrival, unfit(arrival.manifest.key, error))
    except (BlobChanged, RankLost) as error:  # of the latter the last of several: memory may have run out
        get_run_logger().warning("%s", error)
        break_off(work.journal, arrival, reason=str(error))
        return False
    except JournalMoved as error:
        get_run_logger().info("%s", error)
        take_back(work.journal, arrival, reason=str(error))
    except GraspError as error:
        take_back(work.journal, arrival, reason=str(error))
        raise
    except Exception as error:
        if away := infrastructure(error):
            take_back(work.journal, arrival, reason=str(away))
            raise away from error
        get_run_logger().exception("%s: the attempt broke off", arrival.manifest.key)
        break_off(work.journal, arrival, reason=f"{type(error).__name__}: {error}")
        return False
    except BaseException:  # cancelled, or the worker is stopping: nobody's fault
        take_back(work.journal, arrival, reason="the flow run was ended from outside")
        raise
    return True


def absorb_unit(work: Work, arrival: Arrival, flow_run: str) -> None:
    """Fetch, absorb and log, decide, show: one source from its blob to the champion."""
    keep_up(work)
    unit = plan(work.target, arrival, work.journal.last)
    get_run_logger().info("%s: absorbing into %s, as number %d", unit.source_name, unit.target, unit.index)
    source = fetch(work, arrival)
    logged = produce(work, unit, source, flow_run=flow_run)
    decided = decide(work, unit, logged)
    get_run_logger().info("%s: %s", unit.source_name, decided_words(decided))
    show(work)
    show_decisions(work.target.name, recent_decisions(work.journal))


def refuse(work: Work, arrival: Arrival, error: BadArrival) -> None:
    """Decide a source that cannot be absorbed, and show the decision."""
    refuse_arrival(work.journal, arrival.id, error)
    show(work)
    show_decisions(work.target.name, recent_decisions(work.journal))


def _tags(work: Work, arrival: Arrival) -> tuple[str, ...]:
    manifest = arrival.manifest
    return f"target:{work.target.name}", f"series:{manifest.series}", f"period:{manifest.period.label}"
