"""Who is at work on a target, asked of Prefect by plain requests: its client takes seconds to import."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import requests
from pydantic import TypeAdapter

from tasks.contracts.base import Document, Moment
from tasks.orchestration.plain import PlainApi, said

ABSORB = "absorb"
FLOWS = (ABSORB, "backfill", "retract")
WATCH = "watch"
DONE = 100  # per cent of a fine-tune
AT_ONCE = 50
_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)


class AtWork(Document):
    """A flow run that works. doing: its step, with the source; progress: of a fine-tune; worker: where."""

    flow: str
    flow_run: str
    since: Moment
    doing: str | None
    progress: str | None
    worker: str | None


class Orchestrator:
    """Looks who is at work; after the first request without an answer it asks no more.

    url: of the API, such as http://127.0.0.1:4200/api; without it the one that PREFECT_API_URL names. Where
    neither is, there is nobody to ask, which is nothing to warn of.
    """

    def __init__(self, url: str | None = None) -> None:
        self._api = PlainApi(url)
        self._runs: list[dict[str, Any]] | None = None
        self.away = ""

    def at_work(self, target: str) -> tuple[AtWork, ...]:
        """Give the running flow runs of a target, the longest first; none while Prefect does not answer."""
        if self.away or not self.named:
            return ()
        try:
            mine = [run for run in self._running() if _is_for(run, target)]
            return tuple(self._shown(run) for run in sorted(mine, key=lambda run: str(run["start_time"])))
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            self.away = f"Prefect at {self._api.url} {said(error)}; who is at work was not looked at"
            return ()

    @property
    def named(self) -> bool:
        """Say whether a Prefect server was named at all."""
        return bool(self._api.url)

    def last_watch(self) -> datetime | None:
        """Tell when a watch last ended well; None when none did, or while Prefect does not answer.

        Where several share the targets, the one that has been silent longest counts.
        """
        if self.away or not self.named:
            return None
        mine = {"flows": {"name": {"any_": [WATCH]}}}
        try:
            shares = self._api.ask("deployments/filter", mine)
            which = [{"deployments": {"id": {"any_": [each["id"]]}}} for each in shares] or [mine]
            ended = [self._last_ended(each) for each in which]
            return None if None in ended else min(moment for moment in ended if moment)
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            self.away = f"Prefect at {self._api.url} {said(error)}; when a watch last ended was not looked at"
            return None

    def _last_ended(self, which: Mapping[str, Any]) -> datetime | None:
        asked = {
            **which,
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
            "sort": "END_TIME_DESC",
            "limit": 1,
        }
        found = self._api.ask("flow_runs/filter", asked)
        return _MOMENT.validate_python(found[0]["end_time"]) if found else None

    def absorb_page(self) -> str | None:
        """Give the page of all absorb runs; None without an answer, or where pages lie elsewhere."""
        pages = self._api.url.removesuffix("/api")
        if self.away or pages == self._api.url:
            return None
        try:
            found = self._api.ask("flows/filter", {"flows": {"name": {"any_": [ABSORB]}}})
            return f"{pages}/flows/flow/{found[0]['id']}" if found else None
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            self.away = f"Prefect at {self._api.url} {said(error)}; its page of absorbs was not looked for"
            return None

    def _running(self) -> list[dict[str, Any]]:
        if self._runs is None:
            asked = {
                "flows": {"name": {"any_": list(FLOWS)}},
                "flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}},
                "limit": AT_ONCE,
            }
            self._runs = self._api.ask("flow_runs/filter", asked)
        return self._runs

    def _shown(self, run: Mapping[str, Any]) -> AtWork:
        mine = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        steps = self._api.ask(
            "task_runs/filter",
            {**mine, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}, "limit": AT_ONCE},
        )
        told = self._api.ask(
            "artifacts/filter",
            {**mine, "artifacts": {"type": {"any_": ["progress"]}}, "sort": "UPDATED_DESC", "limit": 1},
        )
        host = str(run.get("infrastructure_pid") or "").rpartition(":")[0]
        return AtWork(
            flow=str(run["name"]),
            flow_run=str(run["id"]),
            since=_MOMENT.validate_python(run["start_time"]),
            doing=steps[0]["name"] if steps else None,
            progress=str(told[0]["description"]) if told and _is_about(told[0], steps) else None,
            worker=host or None,
        )


def _is_for(run: Mapping[str, Any], target: str) -> bool:
    return f"target:{target}" in run["tags"] or run["parameters"].get("target") == target


def _is_about(told: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a fine-tune's progress is of the source that is worked on now, not of one before it.

    Prefect hears of steps by events, which can be lost: with none known, a fine-tune that goes on is it.
    """
    source = str(told.get("description") or "").partition(":")[0]
    if not steps:
        return bool(source) and float(told.get("data") or 0) < DONE
    return bool(source) and any(source in str(step["name"]) for step in steps)
