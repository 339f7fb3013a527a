"""The house's walls: who may import what, checked on the syntax trees and on a real process."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from flows.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
CODE = ("grasp_core", "tasks", "flows", "deployments", "benchmarks")
FILES = sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))
PICKLING = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(path)))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, at the top or inside a function; not for type checkers alone."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    typing_only = {
        id(node)
        for block in nodes_of(path)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
    }
    for node in nodes_of(path):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def importers(module: str) -> list[str]:
    return [name_of(path) for path in FILES if any(i.split(".")[0] == module for i in imports(path))]


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in nodes_of(path):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_only_one_file_makes_an_s3_client():
    assert importers("boto3") == ["tasks/bucket/client.py"]


def test_only_the_bucket_side_knows_botocore():
    assert all(path.startswith("tasks/bucket/") for path in importers("botocore"))


def test_only_one_file_reads_and_writes_safetensors():
    assert importers("safetensors") == ["tasks/weights/files.py"]


def test_nothing_is_pickled():
    assert {module: importers(module) for module in PICKLING if importers(module)} == {}
    kwargs = [
        f"{name_of(path)}: {keyword.arg}"
        for path in FILES
        for _, call in calls(path)
        for keyword in call.keywords
        if keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False"
    ]
    assert kwargs == []


def test_torch_load_stands_in_one_file_and_loads_weights_only():
    found = {
        name_of(path): {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        for path in FILES
        for function, call in calls(path)
        if function in {"torch.load", "load_state_dict_from_url", "torch.hub.load", "torch.jit.load"}
    }
    assert set(found) <= {"tasks/weights/convert.py"}
    assert all(given.get("weights_only") == "True" for given in found.values())


def test_no_flow_reaches_the_conversion_of_checkpoints():
    users = [name_of(path) for path in FILES if "tasks.weights.convert" in set(imports(path))]
    assert all(user.startswith(("flows/cli/", "benchmarks/")) for user in users)


def test_numpy_never_loads_pickled_arrays():
    bare = [
        f"{name_of(path)}:{call.lineno}"
        for path in FILES
        for function, call in calls(path)
        if function in {"np.load", "numpy.load"}
        and not any(k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in call.keywords)
    ]
    assert bare == []


def test_every_init_is_empty():
    assert [name_of(path) for path in FILES if path.name == "__init__.py" and path.read_bytes()] == []


def test_no_assert_outside_the_tests():
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in FILES
        for node in nodes_of(path)
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_no_error_is_swallowed_whole():
    bare = [
        f"{name_of(path)}:{node.lineno}"
        for path in FILES
        for node in nodes_of(path)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.body) == "pass")
    ]
    assert bare == []


@pytest.mark.parametrize(
    "deployment",
    yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"],
    ids=lambda deployment: deployment["name"],
)
def test_entrypoints_of_the_deployments_are_flows_on_module_paths(deployment: dict):
    from prefect import Flow

    module, _, name = deployment["entrypoint"].rpartition(".")
    assert "/" not in module
    assert ":" not in module
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    assert set(deployment.get("parameters", {})) <= set(inspect.signature(flow.fn).parameters)


def test_every_prefix_that_is_listed_ends_with_a_slash():
    """Store.list refuses others when it runs; here the constants are checked before anything runs."""
    from tasks.contracts import keys

    prefixes = [value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)]
    prefixes = [prefix for prefix in prefixes if not prefix.startswith("_") and "[" not in prefix]
    assert prefixes
    assert all(prefix.endswith("/") for prefix in prefixes)


def test_every_command_is_loaded():
    """A module of commands that nobody names is no command."""

    commands = {
        name_of(path).removeprefix("flows/cli/").removesuffix(".py").replace("/", ".")
        for path in FILES
        if name_of(path).startswith("flows/cli/")
        and re.search(r"^(@\w+\.command|app\.add_typer)\b", path.read_text(), re.MULTILINE)
    }
    assert commands == {module for command in COMMANDS.values() for module in command.modules}


FOLDERS = sorted({path.parent for path in FILES})
MOST_FILES, MOST_LINES = 14, 200


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: name_of(folder))
def test_no_folder_is_a_corridor(folder: Path):
    """Who opens a folder takes it in at a glance."""
    files = [path.name for path in folder.glob("*.py") if path.name not in {"__init__.py", "__main__.py"}]
    assert len(files) <= MOST_FILES, files


def test_no_file_is_long():
    long = {
        name_of(path): lines for path in FILES if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert long == {}
