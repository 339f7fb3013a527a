"""What a person wishes a target to be: `epochs=12`, other data, a class more; and the new document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tasks.contracts.dataset import Dataset
from tasks.contracts.target import AbsorbSettings, GateSettings, Target
from tasks.errors import InvalidDocument, OperationRefused
from tasks.operations.change.classes import added, check_growth
from tasks.problems import first_problem

ABSORB, GATE = tuple(AbsorbSettings.model_fields), tuple(GateSettings.model_fields)
OTHER = ("late", "series", "from", "until", "devices")
NOTHING = ("", "none")  # takes a date, or devices, away
ELSEWHERE = {
    "paused": "use grasp pause and grasp resume",
    "dataset": "use --dataset",
    "classes": "use --classes and --dataset",
    "name": "a target's name is its journal's; make a new target",
    "architecture": "every version so far has the old network; make a new target",
    "input": "every version so far sees the old input; make a new target",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Settings by name, as typed; dataset: key of another data set, data: what it holds; classes: all."""

    settings: Mapping[str, str]
    dataset: str | None = None
    data: Dataset | None = None
    classes: tuple[str, ...] | None = None


def read_pairs(pairs: Sequence[str]) -> dict[str, str]:
    """Read name=value pairs. Raises OperationRefused for what is no setting of a target."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise OperationRefused(f"{pair}: needs name=value, such as epochs=12; nothing was changed")
        if name not in (*ABSORB, *GATE, *OTHER):
            cure = ELSEWHERE.get(name, f"these can be set: {', '.join((*ABSORB, *GATE, *OTHER))}")
            raise OperationRefused(f"{name}: cannot be set this way; {cure}; nothing was changed")
        if name in found:
            raise OperationRefused(f"{name}: stands twice; nothing was changed")
        found[name] = value.strip()
    return found


def wished(target: Target, wish: Wish) -> Target:
    """Give the target as wished.

    Raises InvalidDocument when it breaks a rule, OperationRefused for another input, or for other classes
    than new ones at the end that the data have, too.
    """
    check_growth(target, classes=wish.classes, data=wish.data)
    typed = wish.settings
    fields: dict[str, Any] = target.model_dump(by_alias=True)
    fields["absorb"] |= {name: typed[name] for name in ABSORB if name in typed}
    fields["gate"] |= {name: typed[name] for name in GATE if name in typed}
    fields |= {name: _value(name, typed[name]) for name in OTHER if name in typed}
    if wish.dataset is not None and wish.data is not None:
        _check_data(target, wish.data)
        fields["dataset"] = wish.dataset
    if wish.classes is not None and added(target, wish.classes):
        fields["classes"] = wish.classes
        fields["architecture"] |= {"num_classes": len(wish.classes)}
        fields["grown_from"] = target.grown_from or len(target.classes)
    try:
        return Target.model_validate(fields)
    except ValidationError as error:
        raise InvalidDocument(f"target {target.name}: {first_problem(error)}; nothing was changed") from error


def _check_data(target: Target, data: Dataset) -> None:
    if data.input != target.input:
        raise OperationRefused(
            f"data set {data.name}: its images are {_size(data)}, target {target.name} sees {_size(target)}; "
            "every version so far sees the old ones: prepare the data like that, or make a new target; "
            "nothing was changed"
        )


def _size(document: Dataset | Target) -> str:
    size = document.input
    normal = f"mean {list(size.mean)}, std {list(size.std)}"
    return f"{size.height} x {size.width}, {size.channels} channels, {normal}"


def _value(name: str, typed: str) -> Any:
    if name == "series":
        return tuple(part.strip() for part in typed.split(",") if part.strip())
    return None if name in ("from", "until", "devices") and typed.lower() in NOTHING else typed
