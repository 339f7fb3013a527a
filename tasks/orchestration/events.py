"""What happens to targets, as events of Prefect: its UI shows them, automations tell people of them.

Only for people: a Prefect server that does not answer costs a warning, never an absorb.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

import requests

from tasks.orchestration.plain import PlainApi, said

RESOURCE = "grasp.target."
DECIDED = "grasp.decided."  # and the decision
MOVED = "grasp.champion.moved"  # by a person, or because another lineage took over
DROPPED = "grasp.champion.accuracy-dropped"

log = logging.getLogger(__name__)


class News(NamedTuple):
    """One thing that happened to a target: entry seq of its journal says it. text: a line for people."""

    event: str
    target: str
    seq: int
    at: datetime
    text: str
    facts: dict[str, str | int | float | None]


def announce(news: Sequence[News]) -> None:
    """Tell Prefect, if a server is named. Told again, an event has the id that it had."""
    api = PlainApi()
    if not news or not api.url:
        return
    try:
        api.emit([_event(each) for each in news])
    except (requests.RequestException, ValueError, KeyError) as error:
        log.warning("Prefect at %s %s; of %d events nobody is told", api.url, said(error), len(news))


def _event(news: News) -> dict[str, object]:
    named = f"{news.event} {news.target} {news.seq} {news.at.isoformat()}"
    return {
        "id": str(uuid5(NAMESPACE_URL, named)),
        "event": news.event,
        "occurred": news.at.isoformat(),
        "resource": {"prefect.resource.id": f"{RESOURCE}{news.target}", "prefect.resource.name": news.target},
        "payload": {"target": news.target, "seq": news.seq, "text": news.text, **news.facts},
    }
