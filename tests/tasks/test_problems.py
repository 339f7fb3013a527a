"""What is wrong with a document is said in words, with the field and what was found in it."""

import pytest
from pydantic import ValidationError

from tasks.contracts.base import Period
from tasks.contracts.target import AbsorbSettings
from tasks.problems import first_problem


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
