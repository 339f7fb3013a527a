"""What importing a module loads, starts and writes, looked at in fresh processes."""

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

from flows.cli.commands import COMMANDS
from tests.architecture.calls import CODE, ROOT, files

pytestmark = pytest.mark.slow


def loaded_by(statement: str) -> set[str]:
    """Top-level packages that a fresh process has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return set(done.stdout.split())


WHAT_THE_WATCH_DOES = """
import json, os, sys, threading
import flows.watch, tasks.bucket.store
packages = sorted({name.split(".")[0] for name in sys.modules})
threads = [thread.name for thread in threading.enumerate()]
print(json.dumps({"packages": packages, "threads": threads, "files": os.listdir()}))
"""

ONE_AFTER_THE_OTHER = """
import json, sys
from importlib import import_module
ours, *modules = sys.argv[1:]
found = {}
for module in modules:
    before = set(sys.modules)
    for name in before:
        if name.split(".")[0] in ours.split(","):
            del sys.modules[name]
    import_module(module)
    found[module] = sorted({name.split(".")[0] for name in set(sys.modules) - before})
print(json.dumps(found))
"""


def loaded_alone(modules: Sequence[str]) -> dict[str, set[str]]:
    """Top-level packages that each module loads, all in one fresh process: nothing of ours is there when one
    is imported, and of two that load the same package of others the first one is told.
    """
    command = [sys.executable, "-c", ONE_AFTER_THE_OTHER, ",".join(CODE), *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    return {module: set(loaded) for module, loaded in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What a fresh process has after it imported the watch: packages, threads, files where it works."""
    root = tmp_path_factory.mktemp("watch")
    (work := root / "work").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WHAT_THE_WATCH_DOES],
        cwd=work,
        env={"PATH": "/usr/bin", "HOME": str(root / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return json.loads(done.stdout)


def test_the_watch_loads_neither_torch_nor_mlflow(watch: dict[str, list[str]]):
    assert "prefect" in watch["packages"]
    assert not {*watch["packages"]} & {
        "torch",
        "torchvision",
        "timm",
        "mlflow",
        "safetensors",
        "sklearn",
        "scipy",
    }


def test_an_absorb_begins_without_what_only_its_end_needs():
    loaded = loaded_by(
        "import flows.absorb, flows.absorb_units, sys; assert 'scipy.stats' not in sys.modules"
    )
    assert {"torch", "mlflow"} <= loaded
    assert not loaded & {"matplotlib", "sklearn", "timm"}


def test_importing_a_module_starts_nothing_and_writes_nothing(watch: dict[str, list[str]]):
    """No thread and no file: importing does nothing."""
    assert watch["threads"] == ["MainThread"]
    assert watch["files"] == []


def test_the_core_loads_nothing_of_orchestration_tracking_storage_or_validation():
    modules = [
        path.removesuffix(".py").replace("/", ".") for path in files() if path.startswith("grasp_core/")
    ]
    loaded = loaded_by(f"import {', '.join(modules)}")
    assert not loaded & {"prefect", "mlflow", "boto3", "botocore", "pydantic", "safetensors"}


HEAVY = {"torch", "torchvision", "timm", "mlflow", "safetensors", "sklearn", "scipy", "matplotlib", "moto"}
COMMAND_MODULES = sorted({module for command in COMMANDS.values() for module in command.modules})


@pytest.fixture(scope="module")
def loaded_by_commands() -> dict[str, set[str]]:
    return loaded_alone([f"flows.cli.{module}" for module in COMMAND_MODULES])


@pytest.mark.parametrize("module", COMMAND_MODULES)
def test_a_command_is_found_without_loading_torch_mlflow_or_prefect(module: str, loaded_by_commands):
    """What a command needs it imports when it runs: `--help` and a wrong option answer at once."""
    assert not loaded_by_commands[f"flows.cli.{module}"] & {*HEAVY, "prefect"}


def test_the_list_of_commands_imports_none_of_them():
    code = "from typer.testing import CliRunner; from flows.cli.app import app; "
    loaded = loaded_by(code + "assert CliRunner().invoke(app, ['--help']).exit_code == 0")
    assert not loaded & {*HEAVY, "prefect", "boto3", "pydantic", "numpy"}


WITHOUT_THE_EXTRA = (
    *("tasks.publishing.checking", "tasks.publishing.publish", "tasks.publishing.validate"),
    *("tasks.operations.status", "tasks.operations.pause", "tasks.arrivals.explain"),
    *("tasks.data.folder", "flows.absorb", "flows.backfill", "flows.retract", "deployments.deploy"),
)


@pytest.fixture(scope="module")
def loaded_without_the_extra() -> dict[str, set[str]]:
    return loaded_alone(WITHOUT_THE_EXTRA)


@pytest.mark.parametrize("module", WITHOUT_THE_EXTRA)
def test_what_works_without_the_extra_loads_nothing_of_it(module: str, loaded_without_the_extra):
    assert not loaded_without_the_extra[module] & HEAVY
