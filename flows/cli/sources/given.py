"""What a publisher says in options, read: the input of his model, and its metrics."""

import typer
from pydantic import ValidationError

from tasks.contracts.base import InputSpec
from tasks.errors import InvalidDocument
from tasks.problems import first_problem


def given_input(size: str, mean: str, std: str, usual: InputSpec) -> InputSpec:
    """Read an input; what is not said is as usual for the architecture. Raises InvalidDocument."""
    parts = size.split("x") if size else [str(usual.height), str(usual.width), str(usual.channels)]
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"--size {size}: needs HEIGHTxWIDTHxCHANNELS, such as 224x224x3")
    height, width, channels = map(int, parts)
    same = channels == usual.channels
    fields = {
        "height": height,
        "width": width,
        "channels": channels,
        "mean": _numbers("--mean", mean) if mean else usual.mean if same else (0.5,) * channels,
        "std": _numbers("--std", std) if std else usual.std if same else (0.5,) * channels,
    }
    try:
        return InputSpec.model_validate(fields)
    except ValidationError as error:
        raise InvalidDocument(f"input: {first_problem(error)}; nothing was published") from error


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, text.split(",")))
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text}: needs numbers, comma-separated") from error


def given_metric(text: str) -> tuple[str, float]:
    """Read a metric, name=number."""
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise typer.BadParameter(f"--metric {text}: needs name=number") from error
