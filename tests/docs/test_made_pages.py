"""The pages of the reference that are made from the code leave nothing out."""

from pathlib import Path

import pytest

from tasks.contracts.schemas import schemas
from tasks.settings import Settings
from tests.docs.blocks import ROOT


@pytest.fixture(autouse=True)
def _extensions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")


def test_every_setting_says_what_it_means_and_is_in_the_table():
    from made import settings

    page = settings.page()
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    for field in Settings.model_fields.values():
        assert all(f"`{name}`" in page for name in settings.names(field))


def test_every_module_of_the_core_is_in_the_reference():
    from made import core

    files = [path for path in (ROOT / "grasp_core").rglob("*.py") if path.name != "__init__.py"]
    modules = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in files}
    lines = core.page().splitlines()
    assert {line.removeprefix(".. automodule:: ") for line in lines if "automodule" in line} == modules


def test_every_document_of_the_bucket_is_in_the_reference():
    from made import contracts

    assert all(f"(../../schemas/{file})" in contracts.page() for file in schemas())


def test_every_command_is_in_the_reference():
    from made import command_line

    page = command_line.page()
    commands = ("absorb", "backfill", "dataset prepare", "publish", "status", "target create")
    assert all(f"# `grasp {name}`" in page for name in commands)


def test_pages_that_would_not_change_are_left_alone(tmp_path: Path):
    from made_pages import write

    write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write(tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {"core.md", "settings.md", "command-line.md", "documents.md", "project-changelog.md"} <= {
        p.name for p in before
    }


def test_prose_is_shown_as_it_is_written():
    from prose_docstrings import plain

    assert plain("alpha * mask, a_ and `x * y`, ``z``") == r"alpha \* mask, a\_ and ``x * y``, ``z``"
