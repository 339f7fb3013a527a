"""What the code's syntax trees say: which module imports which, and what a function names, in order."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CODE = ("grasp_core", "tasks", "flows", "deployments", "benchmarks")


class Function(NamedTuple):
    """A function at the top of a file (`look`), or a method of a class there (`Journal.append`)."""

    path: str
    name: str


@cache
def files() -> tuple[str, ...]:
    """Every module of the code, as a path from the root; the empty __init__ files are none."""
    found = (path for folder in CODE for path in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(p.relative_to(ROOT).as_posix() for p in found if p.name != "__init__.py"))


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


@cache
def imported(path: str) -> frozenset[str]:
    """The modules of the code that a file imports, at the top or inside a function, as paths."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {_file(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {_file(f"{node.module}.{alias.name}") or _file(node.module) for alias in node.names}
    return frozenset(found - {None})


@cache
def walk(entry: Function) -> tuple[Function, ...]:
    """Every function that one reaches, depth first and in the order of the text, each where it comes first.

    A function reaches what its body names: functions of its file, imported ones, methods of classes that
    its file has or imports (told by their name alone).
    """
    seen: dict[Function, None] = {}

    def visit(function: Function) -> None:
        if function not in seen:
            seen[function] = None
            for named in _named(function):
                visit(named)

    visit(entry)
    return tuple(seen)


def exists(function: Function) -> bool:
    return function.path in files() and function.name in functions_of(function.path)


@cache
def _file(module: str) -> str | None:
    path = module.replace(".", "/") + ".py"
    return path if path in files() else None


@cache
def functions_of(path: str) -> dict[str, ast.FunctionDef]:
    found = {}
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
            found |= {f"{node.name}.{method.name}": method for method in methods}
    return found


@cache
def _scope(path: str) -> dict[str, Function]:
    """What the names of a file mean: its own functions and methods, and the imported ones.

    Methods stand under their bare name after a dot (`.append`), functions of imported modules after theirs
    (`lineage_rules.decided`).
    """
    found: dict[str, Function] = {}
    classes = {name.partition(".")[0]: path for name in functions_of(path) if "." in name}
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        for alias in node.names:
            known = alias.asname or alias.name
            if source := _file(node.module):
                found[known] = Function(source, alias.name)
                classes[alias.name] = source
            elif module := _file(f"{node.module}.{alias.name}"):
                found |= {f"{known}.{name}": Function(module, name) for name in functions_of(module)}
    for name, source in classes.items():
        methods = (each for each in functions_of(source) if each.startswith(f"{name}."))
        found |= {f".{method.partition('.')[2]}": Function(source, method) for method in methods}
    found |= {name: Function(path, name) for name in functions_of(path)}
    return {name: function for name, function in found.items() if exists(function)}


@cache
def _named(function: Function) -> tuple[Function, ...]:
    return tuple(_in_order(function))


def _in_order(function: Function) -> Iterator[Function]:
    scope = _scope(function.path)
    body = [node for each in functions_of(function.path)[function.name].body for node in ast.walk(each)]
    names = [node for node in body if isinstance(node, ast.Name | ast.Attribute)]
    for node in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
        said = ast.unparse(node)
        found = scope.get(said) or (scope.get(f".{node.attr}") if isinstance(node, ast.Attribute) else None)
        if found:
            yield found
