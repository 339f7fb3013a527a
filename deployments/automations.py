"""The automations that end flow runs whose process is gone."""

from datetime import timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from tasks.orchestration.absorb_runs import ABSORB_FLOW, TEND_FLOW, WATCH_FLOW
from tasks.orchestration.silent_runs import HEARTBEAT

ENDS = ("Completed", "Failed", "Cancelled", "Crashed")
OURS = ResourceSpecification(
    {"prefect.resource.role": "flow", "prefect.resource.name": [ABSORB_FLOW, WATCH_FLOW, TEND_FLOW]}
)
DEPLOYED = ResourceSpecification({"prefect.resource.role": "deployment"})


def zombie_automations() -> tuple[AutomationCore, AutomationCore]:
    """Describe them: a run that sent a heartbeat, then neither another nor an end, has crashed.

    A worker killed with its flow process cannot say so itself; until one of these fires, Prefect shows
    RUNNING. prefect.yaml makes deployed runs beat every 30 s; a run that a person starts as plain Python
    beats every 180 s, Prefect's default, so it is given more time. Other people's flows are left alone.
    """
    return (
        _silence("grasp: crash runs that fell silent", related=[OURS, DEPLOYED], limit_s=90),
        _silence("grasp: crash runs by hand that fell silent", related=[OURS], limit_s=400),
    )


def ensure_automation(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    """Make exactly one automation of this name exist, as described; say what was done.

    One that is right is left untouched: an update would restart its clocks.
    """
    found = client.read_automations_by_name(wanted.name)
    if not found:
        client.create_automation(wanted)
        return "created"
    for surplus in found[1:]:
        client.delete_automation(surplus.id)
    if _essence(found[0]) == _essence(wanted):
        return "unchanged"
    client.update_automation(found[0].id, wanted)
    return "updated"


def _silence(name: str, *, related: list[ResourceSpecification], limit_s: int) -> AutomationCore:
    return AutomationCore(
        name=name,
        description="After kill -9 of worker and flow process a run stays RUNNING; nothing else ends it.",
        trigger=EventTrigger(
            after={HEARTBEAT},
            expect={HEARTBEAT, *(f"prefect.flow-run.{end}" for end in ENDS)},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            match_related=[*related],
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=limit_s),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED, message=f"no heartbeat for {limit_s} s: its process is gone"
            )
        ],
    )


def _essence(automation: AutomationCore) -> dict[str, object]:
    fields = automation.model_dump(mode="json", include=set(AutomationCore.model_fields))
    fields["trigger"].pop("id", None)
    for several in ("after", "expect", "for_each"):
        fields["trigger"][several] = sorted(fields["trigger"][several])
    return fields
