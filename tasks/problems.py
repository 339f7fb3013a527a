"""What pydantic found wrong, in words for a person: field, what is wrong, what was found."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo

from tasks.patterns import need
from tasks.printable import printable

SAID = 3  # problems that are told one by one
SHOWN = 80  # characters of a value


def first_problem(error: ValidationError) -> str:
    """Say the first problems of a validation in one line: field, what is wrong, how many more."""
    problems = error.errors(include_url=False)
    said = "; ".join(
        f"{'.'.join(map(str, p['loc'])) or 'document'}: {what_is_wrong(p)}" for p in problems[:SAID]
    )
    return printable(said) + (f" (and {len(problems) - SAID} more)" if len(problems) > SAID else "")


def what_is_wrong(problem: Mapping[str, Any]) -> str:
    """Say what is wrong with one field, with the value that was found where it is short enough to show."""
    if problem["type"] == "extra_forbidden":
        return "is not known"
    if problem["type"] == "missing":
        return "is missing"
    said = str(problem["msg"]).removeprefix("Value error, ")
    found = problem.get("input")
    if problem["type"] == "string_pattern_mismatch":
        needed = need(problem["ctx"]["pattern"], str(found))
        return printable(f"is {printable(str(found), limit=SHOWN)!r}, needs {needed}", limit=400)
    if problem["type"] != "value_error" and isinstance(found, str | int | float | None):
        shown = printable(found, limit=SHOWN) if isinstance(found, str) else found
        return f"{said[0].lower()}{said[1:]}; found {shown!r}"
    return said


def settings_problems(fields: Mapping[str, FieldInfo], error: ValidationError) -> Iterator[str]:
    """Say each problem of settings by the name of its environment variable. fields: of their model."""
    for problem in error.errors(include_url=False):
        variable = _variable(fields, str(problem["loc"][0]))
        if problem["type"] == "missing":
            yield f"{variable} is not set; set it in the environment or in .env"
        else:
            yield f"{variable}: {what_is_wrong(problem)}"


def _variable(fields: Mapping[str, FieldInfo], loc: str) -> str:
    field = fields.get(loc)
    alias = field.validation_alias if field else loc
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else str(alias)
