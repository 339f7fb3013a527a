"""The forms of the deployments say what each field means, with an example."""

import pytest
from prefect import Flow
from prefect.utilities.callables import parameter_schema

from flows.absorb import absorb
from flows.backfill import backfill
from flows.promote import promote
from flows.retract import retract
from flows.rollback import rollback
from flows.target_set import target_set

FORMS = [absorb, backfill, retract, rollback, promote, target_set]


@pytest.mark.parametrize("flow", FORMS, ids=lambda flow: flow.name)
def test_every_field_of_a_form_is_described(flow: Flow):
    form = parameter_schema(flow).model_dump()
    fields = dict(form["properties"])
    if request := (form["definitions"] or {}).get("BackfillRequest"):
        fields |= request["properties"]
    undescribed = [name for name, field in fields.items() if not field.get("description")]
    assert undescribed == []
    assert "digits-now" in fields["target"]["description"]
