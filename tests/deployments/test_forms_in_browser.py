"""Every deployment that a person starts, started by its form in Prefect's UI, filled in as its texts say.

SCREENSHOTS=docs/ui keeps the picture of docs/operations/ui.md there.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun

from tests.deployments.forms import ASKED, WHY
from tests.servers.browser import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]
TYPED: dict[str, dict[str, str]] = {  # deployment: what is typed into which field
    "absorb": {"target": "digits-now"},
    "backfill": {"target": "digits-now", "From period": "2014"},
    "retract": {"target": "digits-now", "arrival": "digits/2015/1", "reason": WHY},
    "rollback": {"target": "digits-now", "reason": WHY},
    "promote": {"target": "digits-now", "version": "7", "reason": WHY},
    "target-set": {"target": "digits-now", "settings": "epochs=12"},
}


def test_a_person_fills_in_every_form_from_its_texts(deployed, prefect_server, client, page, shoot):
    from playwright.sync_api import expect

    ui = prefect_server.api_url.removesuffix("/api")
    before = {run.id for run in client.read_flow_runs()}
    page.set_viewport_size({"width": 1280, "height": 1000})
    for name, fields in TYPED.items():
        page.goto(f"{ui}/deployments/deployment/{deployed[name].id}/run")
        page.get_by_text("its name, such as digits-now").wait_for()
        for label, typed in fields.items():
            if label == "settings":
                _property(page, label).get_by_role("button", name="Add item").click()
            _field(page, label).fill(typed)
        for label, typed in fields.items():
            expect(_field(page, label)).to_have_value(typed, timeout=90_000)
        if name == "target-set":
            shoot("form")
        _submit(page, made=partial(_runs, client, deployed[name].id, before))

    for name, asked in ASKED.items():
        (run,) = _runs(client, deployed[name].id, before)
        assert _as_far_as(asked, run.parameters) == asked, name
        client.delete_flow_run(run.id)


def _submit(page, *, made: Callable[[], list[FlowRun]]) -> None:
    """Press the button, and again where nothing came of it: a busy server may refuse, which the page says."""
    from playwright.sync_api import TimeoutError as NothingCame

    for _ in range(3):
        page.get_by_role("button", name="Submit").press("Enter")  # what the page says may lie over it
        try:
            return page.wait_for_url(re.compile(r"tab=Runs"), timeout=60_000)
        except NothingCame:
            assert not made(), f"a run was made, and the page stayed: {page.locator('body').inner_text()}"
    pytest.fail(f"three times nothing came of the button: {page.locator('body').inner_text()}")


def _runs(client, deployment: UUID, before: set[UUID]) -> list[FlowRun]:
    """The runs of a deployment, without those of before."""
    found = client.read_flow_runs()
    return [run for run in found if run.deployment_id == deployment and run.id not in before]


def _property(page, label: str):
    """The part of a form that has this label; Prefect's labels do not name their fields."""
    part = "ancestor::*[contains(concat(' ', @class, ' '), ' schema-form-property ')][1]"
    return page.locator("label").get_by_text(label, exact=True).locator(f"xpath={part}")


def _field(page, label: str):
    """Its field, which may be there later than the next one's."""
    return _property(page, label).locator("textarea, input").first


def _as_far_as(asked: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What was found, without what was not asked about."""
    return {
        key: _as_far_as(value, found[key]) if isinstance(value, dict) else found[key]
        for key, value in asked.items()
    }
