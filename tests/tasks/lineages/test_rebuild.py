"""What a rebuilt lineage is made of, from the journal alone."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.contracts.journal import Promoted, RolledBack, Switched, Withdrawn
from tasks.contracts.target import AbsorbSettings
from tasks.errors import NotThere, OperationRefused
from tasks.journal.history import History, Switch
from tasks.lineages.course import chart, check_going, is_finished, settled, start_before
from tasks.lineages.rebuild import Rebuild
from tests.tasks.journal.script import Script

YEARS = {2001: "a" * 64, 2002: "b" * 64, 2003: "c" * 64, 2004: "d" * 64}


@pytest.fixture
def script(stamp) -> Script:
    return Script(stamp)


def absorb(script: Script, year: int, decision: str = "promoted", **more) -> None:
    """Decide a year's source on top of the champion; its version is its turn."""
    version = len(script.state.closed) + 1 if decision == "promoted" else None
    script.accept(YEARS[year])
    parent = script.state.champion
    script.decide(YEARS[year], decision, version, year, parent_version=parent, **more)


def history(script: Script) -> History:
    decided = [entry for entry in script.entries if entry.kind == "decided"]
    switched = [entry.seq for entry in script.entries if entry.kind == "switched"]
    by_version = {entry.registry_version: entry for entry in decided if entry.registry_version}
    switch = Switch(switched[-1], "main") if switched else None
    return History(script.state, {entry.seq: entry for entry in decided}, by_version, switch)


def rebuild(script: Script, year: int, **changes) -> Rebuild:
    found, since = history(script), span(year)
    plan = Rebuild(
        target="t",
        kind="backfill",
        label=str(year),
        origin=found.state.lineage,
        start=start_before(found, since),
        since=since,
        until=None,
        without=frozenset(),
        settings=AbsorbSettings(),
        data="e" * 64,
    )
    return settled(found, replace(plan, **changes))


def span(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)


def todo(script: Script, plan: Rebuild) -> list[int]:
    course = chart(history(script), plan)
    return [source.decided.source.period.start.year for source in course.todo]


def test_a_version_that_the_journal_does_not_know_is_refused_with_those_it_knows(script: Script):
    for year in (2001, 2002):
        absorb(script, year)
    with pytest.raises(NotThere, match=r"version 9: .* \(it knows 1, 2\); nothing was done"):
        history(script).chain(9)


def test_a_rebuild_starts_at_the_version_before_its_period(script: Script):
    for year in (2001, 2002, 2003):
        absorb(script, year)
    plan = rebuild(script, 2002)
    assert (plan.start, todo(script, plan)) == (1, [2002, 2003])
    plan = rebuild(script, 2001)
    assert (plan.start, todo(script, plan)) == (None, [2001, 2002, 2003])


def test_a_late_source_that_was_appended_takes_its_place(script: Script):
    for year in (2001, 2003, 2002, 2004):
        absorb(script, year)
    plan = rebuild(script, 2003)
    assert (plan.start, todo(script, plan)) == (1, [2002, 2003, 2004])


def test_rejected_and_parked_sources_are_tried_again_and_broken_ones_are_not(script: Script):
    absorb(script, 2001)
    absorb(script, 2002, "rejected")
    absorb(script, 2003, "quarantined", index=None)
    absorb(script, 2004, "parked", index=None, reason_code="late")
    assert todo(script, rebuild(script, 2001)) == [2001, 2002, 2004]


def test_what_people_took_out_stays_out(script: Script):
    for year in (2001, 2002, 2003):
        absorb(script, year)
    script.add(Withdrawn, arrival_id=YEARS[2001], reason="x")
    script.add(RolledBack, registry_version=2, reason="x")
    plan = rebuild(script, 2001)
    assert todo(script, plan) == [2002]
    assert plan.excluded == {YEARS[2001], YEARS[2003]}
    assert todo(script, rebuild(script, 2001, include=frozenset({"s/2003"}))) == [2002, 2003]


def test_a_hand_promoted_version_is_an_ancestor(script: Script):
    absorb(script, 2001)
    absorb(script, 2002)
    script.add(RolledBack, registry_version=1, reason="x")
    script.add(Promoted, registry_version=2, reason="x")
    assert todo(script, rebuild(script, 2001)) == [2001, 2002]


def test_to_and_without_leave_out_as_asked(script: Script):
    for year in (2001, 2002, 2003, 2004):
        absorb(script, year)
    plan = rebuild(script, 2001, until=span(2003), without=frozenset({"s/2002"}))
    assert todo(script, plan) == [2001, 2003]
    assert not plan.excluded


def test_to_says_nothing_of_what_came_after_the_rebuild_began(script: Script):
    for year in (2001, 2002, 2003):
        absorb(script, year)
    plan = rebuild(script, 2002, until=span(2002))
    assert todo(script, plan) == [2002]
    absorb(script, 2004)
    assert todo(script, plan) == [2002, 2004]
    script.decide(YEARS[2002], "promoted", 9, 2002, lineage=plan.lineage, parent_version=1, index=2)
    again = rebuild(script, 2002, until=span(2002))
    assert again.lineage == plan.lineage
    script.add(RolledBack, registry_version=3, reason="x")
    assert todo(script, plan) == []
    assert check_going(history(script), plan)  # what was rolled back after `until` is no moved ground


def test_a_lineage_that_took_over_once_absorbs_nothing_twice(script: Script):
    for year in (2001, 2002):
        absorb(script, year)
    plan = rebuild(script, 2002)
    script.decide(YEARS[2002], "rejected", 9, 2002, lineage=plan.lineage, parent_version=1, index=2)
    script.add(Switched, lineage=plan.lineage, registry_version=1, reason="x")
    script.add(Switched, lineage="main", registry_version=2, reason="x")  # a person promoted version 2
    again = rebuild(script, 2002)
    assert (again.lineage, todo(script, again)) == (plan.lineage, [])
    assert todo(script, rebuild(script, 2001)) == [2001, 2002]


def test_the_same_request_finds_its_lineage_again_and_what_is_done(script: Script):
    for year in (2001, 2002, 2003):
        absorb(script, year)
    plan = rebuild(script, 2002)
    script.decide(YEARS[2002], "promoted", 9, 2002, lineage=plan.lineage, parent_version=plan.start, index=2)
    again = rebuild(script, 2002)
    assert again.lineage == plan.lineage
    assert todo(script, again) == [2003]
    absorb(script, 2004)
    assert rebuild(script, 2002).lineage == plan.lineage
    assert todo(script, plan) == [2003, 2004]  # what the current lineage absorbed since
    assert rebuild(script, 2002, settings=AbsorbSettings(seed=1)).lineage != plan.lineage


def test_a_rebuild_whose_ground_moved_is_refused(script: Script):
    for year in (2001, 2002, 2003):
        absorb(script, year)
    plan = rebuild(script, 2002)
    script.add(Withdrawn, arrival_id=YEARS[2003], reason="x")
    with pytest.raises(OperationRefused, match="withdrawn or rolled back; the champion stays"):
        check_going(history(script), plan)


def test_a_rebuild_that_was_rolled_back_is_not_finished(script: Script):
    for year in (2001, 2002):
        absorb(script, year)
    plan = rebuild(script, 2002)
    script.decide(YEARS[2002], "promoted", 9, 2002, lineage=plan.lineage, parent_version=1, index=2)
    script.add(Switched, lineage=plan.lineage, registry_version=9, reason="x")
    assert is_finished(history(script), rebuild(script, 2002))
    script.add(RolledBack, registry_version=2, reason="x")
    assert not is_finished(history(script), rebuild(script, 2002))


def test_a_rebuild_that_took_over_last_is_finished_until_something_is_decided(script: Script):
    for year in (2001, 2002):
        absorb(script, year)
    plan = rebuild(script, 2002, without=frozenset({"s/2002"}))
    assert not is_finished(history(script), plan)
    script.add(Switched, lineage=plan.lineage, registry_version=1, reason="x")
    again = rebuild(script, 2002, without=frozenset({"s/2002"}))
    assert is_finished(history(script), again)
    script.accept(YEARS[2003])
    script.decide(YEARS[2003], "promoted", 3, 2003, lineage=plan.lineage, parent_version=1)
    assert not is_finished(history(script), again)
