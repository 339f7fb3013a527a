"""No dead link and no path of the repository that is no more, in README and documentation."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FOLDERS = ("benchmarks", "deployments", "docs", "examples", "flows", "grasp_core", "tasks", "tests", ".ci")
PATH = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*")
MADE = ("made/", "docs/_build")  # by `make docs`
HISTORY = ("docs/LOG.md", "CHANGELOG.md")  # may name what was


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_link_between_files_is_dead(page: Path):
    targets = [link.partition("#")[0] for link in LINK.findall(page.read_text()) if "://" not in link]
    dead = [to for to in targets if to and not any(m in to for m in MADE) and not (page.parent / to).exists()]
    assert dead == []


@pytest.mark.parametrize("page", [p for p in PAGES if name_of(p) not in HISTORY], ids=name_of)
def test_every_path_of_the_repository_that_is_named_exists(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    named = [
        path.rstrip(".")
        for code in CODE.findall(text)
        for path in PATH.findall(code)
        if code.startswith(path)
    ]
    gone = [path for path in named if not any(m in path for m in MADE) and not (ROOT / path).exists()]
    assert gone == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
