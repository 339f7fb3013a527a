"""Docstrings against the code beside them: parameters and fields that they explain, errors that they name.

pydoclint and ruff's DOC rules know sections (Google, NumPy, Sphinx); ours are prose. So here is what our
prose promises: a sentence `name: …` or `one, other: …` explains parameters (of a class: fields), "Raises X, Y
when …" names errors that the function or what it reaches may raise.
"""

import ast
import builtins
import re
from collections.abc import Iterator
from functools import cache

from tests.architecture.calls import ROOT, Function, files, functions_of, tree, walk

_EXPLAINED = re.compile(r"(?:\A|(?<=[.;]\s)|(?<=\n\n))([a-z_]\w*(?:, [a-z_]\w*)*): ")
_RAISES = re.compile(r"\b[Rr]aises ((?:(?!\.\s|\.\Z).)+)", re.DOTALL)
_ERROR = re.compile(r"\b[A-Z]\w+[a-z]\w*\b")


def documented() -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef, str]]:
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                yield path, node, text


def names_of(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """The parameters of a function; of a class its fields and the parameters of its __init__."""
    if isinstance(node, ast.FunctionDef):
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg]
        return {each.arg for each in given if each}
    fields = {ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign)}
    inits = (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
    return fields.union(*map(names_of, inits))


def test_a_docstring_explains_parameters_and_fields_that_are_there():
    wrong = [
        f"{path}: {node.name}: {name}"
        for path, node, text in documented()
        for said in _EXPLAINED.findall(text)
        for name in said.split(", ")
        if name not in names_of(node)
    ]
    assert wrong == []


def errors_in(text: str) -> set[str]:
    """The errors that a docstring says to be raised."""
    return {name for said in _RAISES.findall(text) for name in _ERROR.findall(said)} & known_errors().keys()


@cache
def known_errors() -> dict[str, set[str]]:
    """Every error class of the code and of Python, with the names of all that it derives from."""
    bases = {
        name: {base.__name__ for base in each.__mro__}
        for name, each in vars(builtins).items()
        if isinstance(each, type) and issubclass(each, BaseException)
    }
    nodes = [node for path in files() for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    for _ in range(5):  # as deep as our tree
        for node in nodes:
            for base in map(ast.unparse, node.bases):
                if base in bases:
                    bases[node.name] = bases[base] | {node.name}
    return bases


def raised_below(function: Function) -> set[str]:
    """The errors that a function, or one that it reaches, names; with all that they derive from."""
    return set().union(*map(raised_in, walk(function)))


@cache
def raised_in(function: Function) -> frozenset[str]:
    words = ast.walk(functions_of(function.path)[function.name])
    named = {word.id for word in words if isinstance(word, ast.Name)} & known_errors().keys()
    return frozenset().union(*(known_errors()[name] for name in named))


def test_what_follows_raises_is_an_error_of_the_code_of_python_or_imported_there():
    unknown = {
        f"{path}: {node.name}: {word}"
        for path, node, text in documented()
        for said in _RAISES.findall(text)
        if (word := said.split()[0].rstrip(",.:;"))[0].isupper()
        and not (word in known_errors() or re.search(rf"^from .* import .*\b{word}\b", source(path), re.M))
    }
    assert unknown == set()


def source(path: str) -> str:
    return (ROOT / path).read_text()


def test_an_error_that_a_docstring_names_can_be_raised_there():
    wrong = []
    for path in files():
        for name, node in functions_of(path).items():
            if said := errors_in(ast.get_docstring(node) or ""):
                missing = said - raised_below(Function(path, name))
                wrong += [f"{path}: {name}: {error}" for error in sorted(missing)]
    assert wrong == []
