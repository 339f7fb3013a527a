"""Every file in examples/ runs as it stands, in a directory of its own."""

import json
import runpy
import sys
from pathlib import Path

import matplotlib
import pytest
import torch

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
LINES = {  # of what each prints, in this order
    "two_models.py": ("older source", "tensors agree", "scalars copied", "first target", "at alpha"),
    "sequence.py": ("period 1: first", "period 2: ", "period 3: ", "period 4: "),
    "own_architecture.py": ("first target", ""),
    "two_lineages.ipynb": ("guarded ", "reference "),
    "digit_images.py": ("2014: 225 images", "2015: 225 images", "2016: 225 images", "now: 597 images"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["example", str(tmp_path / "photos")])
    matplotlib.use("Agg")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_every_example_is_tried():
    found = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".ipynb"}}
    assert found == set(LINES)


@pytest.mark.parametrize("name", sorted(LINES))
def test_an_example_runs_and_prints_what_it_promises(name: str, capsys: pytest.CaptureFixture[str]):
    if name.endswith(".py"):
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    else:
        run_notebook(EXAMPLES / name)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(LINES[name])
    assert all(part in line for part, line in zip(LINES[name], printed, strict=True)), printed


def test_notebooks_are_kept_without_outputs():
    for path in EXAMPLES.glob("*.ipynb"):
        assert [cell["outputs"] for cell in code_cells(path) if cell["outputs"]] == []


def code_cells(notebook: Path) -> list[dict]:
    document = json.loads(notebook.read_text())
    assert document["nbformat"] == 4
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def run_notebook(notebook: Path) -> None:
    """Execute all code cells in order, in one namespace, as a kernel does."""
    namespace = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(notebook), start=1):
        exec(compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec"), namespace)
