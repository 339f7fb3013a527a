"""Automations that tell people, by a webhook, what happened to targets, and that the watch fell silent."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import cast
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.types import SecretDict
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from tasks.credentials.redact import learn
from tasks.hardware import CONFIG
from tasks.orchestration.absorb_runs import WATCH_FLOW
from tasks.orchestration.events import DECIDED, DROPPED, MOVED, RESOURCE

BLOCK = "grasp-notify"
SILENCE_S = 600
HEADERS = {"Content-Type": "application/json"}
TOLD = {  # what people are told of, by the event that says it
    "of promoted sources": (f"{DECIDED}promoted", MOVED),
    "of rejected sources": (f"{DECIDED}rejected",),
    "of quarantined sources": (f"{DECIDED}quarantined",),
    "of parked sources, which wait for a person": (f"{DECIDED}parked",),
    "when the champion's accuracy dropped": (DROPPED,),
}
# `text` is what Slack, Mattermost and others show of a document that is posted to them
BODY = (
    '{"text": {{ event.payload.text | tojson }}, "event": {{ event.event | tojson }}, '
    '"at": {{ event.occurred | string | tojson }}, "facts": {{ event.payload | tojson }}}'
)


class NotifySettings(BaseSettings):
    """Whom to tell what happens: `grasp deploy` gives it to the Prefect server."""

    model_config = CONFIG

    notify_url: SecretStr | None = Field(
        default=None,
        validation_alias="GRASP_NOTIFY_URL",
        description="address that is posted a JSON document, with a line `text`, when a source was promoted, "
        "rejected, parked or quarantined, accuracy dropped, or the watch fell silent",
    )

    @field_validator("notify_url")
    @classmethod
    def _is_hidden_http(cls, url: SecretStr | None) -> SecretStr | None:
        given = url.get_secret_value() if url else None
        learn(given)
        if given is not None and not given.startswith(("http://", "https://")):
            raise ValueError("needs an address that begins with http:// or https://")
        return url


def ensure_webhook(url: SecretStr) -> tuple[UUID, str]:
    """Make the block exist that holds the address, encrypted; give its id and what was done."""
    wanted = Webhook(url=url, headers=SecretDict(HEADERS))
    try:
        found = cast("Webhook", Webhook.load(BLOCK))
    except ValueError:
        found = None
    if found is not None and (found.url, found.headers, found.method) == (url, wanted.headers, wanted.method):
        return cast("UUID", found._block_document_id), "unchanged"
    block_id = cast("UUID", wanted.save(BLOCK, overwrite=True))
    return block_id, "created" if found is None else "updated"


def notifications(block_id: UUID, *, silence_s: float = SILENCE_S) -> Iterator[AutomationCore]:
    """Describe them all. silence_s: seconds without a watch that ended well."""
    for what, events in TOLD.items():
        yield AutomationCore(
            name=f"grasp: tell {what}",
            description="Posts what a target's journal says anew to the webhook block grasp-notify.",
            trigger=EventTrigger(
                expect=set(events),
                match=ResourceSpecification({"prefect.resource.id": [f"{RESOURCE}*"]}),
                posture=Posture.Reactive,
                threshold=1,
                within=timedelta(0),
            ),
            actions=[CallWebhook(block_document_id=block_id, payload=BODY)],
        )
    yield _silence(block_id, silence_s)


def _silence(block_id: UUID, silence_s: float) -> AutomationCore:
    ended = "prefect.flow-run.Completed"
    text = f"no watch has ended well for {silence_s:g} s: new sources are not noticed"
    return AutomationCore(
        name="grasp: tell when the watch fell silent",
        description="Once for each silence: it begins anew when a watch has ended well.",
        trigger=EventTrigger(
            after={ended},
            expect={ended},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            match_related=[
                ResourceSpecification(
                    {"prefect.resource.role": "flow", "prefect.resource.name": [WATCH_FLOW]}
                )
            ],
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=silence_s),
        ),
        actions=[
            CallWebhook(
                block_document_id=block_id, payload=json.dumps({"text": text, "event": "grasp.watch.silent"})
            )
        ],
    )
