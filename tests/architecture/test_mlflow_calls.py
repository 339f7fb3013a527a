"""Whatever MLflow's client raises becomes one of our errors: each of its calls stands within `answering`."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tasks").rglob("*.py")) + sorted((ROOT / "flows").glob("*.py"))
METHODS = {name for name in dir(MlflowClient) if not name.startswith("_")}
FUNCTIONS = {"list_artifacts", "download_artifacts", "get_artifact_repository"}
CLIENTS = ("client", "work.mlflow", "self._client", "files")
WITHIN = ("answering(", "looking_up(")


class Call(NamedTuple):
    """A call: of what, in which function, whether `answering` stands around it there."""

    name: str
    inside: str
    covered: bool
    where: str


def calls(path: Path) -> Iterator[Call]:
    return calls_in(path.read_text(), path)


def calls_in(text: str, path: Path) -> Iterator[Call]:
    """Every call in a file; private functions are named by their file, too."""

    def named(name: str) -> str:
        return f"{path}:{name}" if name.startswith("_") else name

    def visit(node: ast.AST, inside: str, covered: bool) -> Iterator[Call]:
        if isinstance(node, ast.FunctionDef):
            inside, covered = named(node.name), False
        if isinstance(node, ast.With):
            covered = covered or any(ast.unparse(each.context_expr).startswith(WITHIN) for each in node.items)
        if isinstance(node, ast.Call):
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            yield Call(named(ast.unparse(node.func)), inside, covered, where)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside, covered)

    yield from visit(ast.parse(text), "", False)


def speaks_mlflow(name: str) -> bool:
    owner, _, method = name.rpartition(".")
    return (owner in CLIENTS and method in METHODS | FUNCTIONS) or (not owner and method in FUNCTIONS)


def sheltered(found: list[Call]) -> set[str]:
    """Functions that are called only within `answering`, or by functions of which this is true."""
    safe: set[str] = set()
    while True:
        callers: dict[str, list[bool]] = {}
        for call in found:
            if call.name != call.inside:  # a call of itself says nothing
                callers.setdefault(call.name, []).append(call.covered or call.inside in safe)
        more = {name for name, each in callers.items() if all(each)}
        if more <= safe:
            return safe
        safe |= more


def uncovered(found: list[Call]) -> list[str]:
    """Calls of MLflow that stand neither within `answering` nor in a function that is only called there."""
    safe = sheltered(found)
    return sorted(
        call.where
        for call in found
        if speaks_mlflow(call.name) and not call.covered and call.inside not in safe
    )


def test_no_call_of_mlflow_stands_outside_of_answering():
    assert uncovered([call for path in FILES for call in calls(path)]) == []


def test_a_call_outside_is_found():
    """The check itself: of these three only the last stands outside."""
    file = ROOT / "tasks" / "absorbing" / "x.py"
    body = "def f(client):\n    with answering('x'):\n        _g(client)\n"
    tree = f"{body}def _g(client):\n    client.get_run('x')\ndef h(client):\n    client.get_run('x')\n"
    assert uncovered(list(calls_in(tree, file))) == ["tasks/absorbing/x.py:7"]
