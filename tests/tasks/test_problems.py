"""What is wrong with a document is said in words, with the field and what was found in it."""

import pytest
from pydantic import ValidationError

from tasks import patterns
from tasks.candidates.outcome import Outcome
from tasks.contracts import schemas
from tasks.contracts.base import Architecture, Period
from tasks.contracts.rebuild import BackfillRequest
from tasks.contracts.target import AbsorbSettings
from tasks.problems import first_problem
from tasks.settings import Settings


def problem(model, **fields: object) -> str:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(fields)
    return first_problem(refused.value)


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ("lr: input should be greater than 0; found -1", {"lr": -1}),
        ("mode: input should be 'guarded' or 'reference'; found 'paper'", {"mode": "paper"}),
        ("epochz: is not known", {"epochz": 3}),
    ],
)
def test_a_wrong_field_is_named_with_what_it_holds(said: str, fields: dict[str, object]):
    assert problem(AbsorbSettings, **fields) == said


def test_a_missing_field_a_rule_over_fields_and_a_strangers_text():
    assert problem(Period, label="a", start="2014-01-01") == "end: is missing"
    assert problem(Period, label="a", start="2014-01-02", end="2014-01-01") == (
        "document: period a ends on 2014-01-01, before its start 2014-01-02"
    )
    said = problem(AbsorbSettings, mode="\x1b[2J" * 1000)
    assert len(said) < 300
    assert said.isprintable()


def test_only_the_first_problems_are_told_one_by_one():
    assert problem(AbsorbSettings, a=1, b=1, c=1, d=1, e=1).endswith("c: is not known (and 2 more)")


@pytest.mark.parametrize(
    ("found", "cure"),
    [
        ("timm/test_vit.r160_in1k", "leave the tag .r160_in1k off: timm/test_vit"),
        ("timm/ResNet50", "write it in lower case: timm/resnet50"),
        ("timm/ResNet50.a1_in1k", "leave the tag .a1_in1k off and write it in lower case: timm/resnet50"),
        ("resnet50", "needs family/name such as torchvision/resnet50"),
    ],
)
def test_an_architecture_with_a_tag_or_upper_case_is_told_how_to_write_it(found: str, cure: str):
    said = problem(Architecture, id=found, in_channels=3, num_classes=2)
    assert said.startswith(f"id: is {found!r}, needs")
    assert cure in said


def patterns_in(schema: object) -> set[str]:
    """Every pattern of a JSON Schema, wherever it stands."""
    if isinstance(schema, list):
        return set().union(*map(patterns_in, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    own |= set(schema.get("patternProperties", {}))
    return own.union(*map(patterns_in, schema.values()))


def test_every_pattern_of_a_document_and_a_setting_has_words():
    models = [Outcome, BackfillRequest, Settings]
    found = [model.model_json_schema() for model in models]
    found += [adapter.json_schema() for adapter in schemas.DOCUMENTS.values()]
    assert patterns_in(found) == set(patterns.WORDS)


@pytest.mark.parametrize("pattern", patterns.WORDS)
def test_nobody_is_shown_a_regular_expression(pattern: str):
    assert not set("^$[]{}\\") & set(patterns.need(pattern, "Ä b"))
