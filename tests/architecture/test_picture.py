"""docs/architecture.md shows the code as it is: rooms, wings, arrows, an arrival's way, files, tests."""

import ast
import re
from collections import defaultdict
from functools import cache

import pytest
import yaml

from tests.architecture.calls import ROOT, Function, exists, files, imported, tree, walk
from tests.architecture.mermaid import PAGE, Arrow, pictures

HOUSE, WAY = pictures()
WINGED = ("tasks", "grasp_core", "flows")  # whose folders each stand in the picture


def claims() -> dict[str, list[str]]:
    """The files of each node: a folder's (less what others say of it), or those that it names."""
    claimed = {}
    for name, place in HOUSE.nodes.items():
        folder, *modules = place.split()
        claimed[name] = [f"{folder}{module}.py" for module in modules] or [
            path for path in files() if path.startswith(folder)
        ]
    for name, place in HOUSE.nodes.items():
        for other in HOUSE.nodes:
            if other != name and HOUSE.nodes[other].startswith(place) and " " not in place:
                claimed[name] = [path for path in claimed[name] if path not in claimed[other]]
    return claimed


NODE_OF = {path: name for name, paths in claims().items() for path in paths}


@cache
def real_arrows() -> dict[str, set[str]]:
    """Which node imports which."""
    found = defaultdict(set)
    for path, name in NODE_OF.items():
        if path in files():
            found[name] |= {NODE_OF[each] for each in imported(path) if each in NODE_OF} - {name}
    return found


def below(name: str) -> set[str]:
    """All that the picture's arrows lead to."""
    found, open_ends = set(), [name]
    while open_ends:
        begin = open_ends.pop()
        new = {arrow.end for arrow in HOUSE.arrows if arrow.begin == begin} - found
        found |= new
        open_ends += new
    return found


def test_every_file_stands_in_one_room():
    assert sorted(NODE_OF) == list(files()), "the picture's rooms and files are not those of the code"
    assert sum(map(len, claims().values())) == len(NODE_OF), "two rooms of the picture claim one file"


def test_every_wing_stands_in_the_picture():
    wings = {f"{path.parts[-2]}/{path.parts[-1]}/" for room in WINGED for path in _folders(room)}
    assert wings <= set(HOUSE.nodes.values())


def _folders(room):
    return [path.parent for path in (ROOT / room).glob("*/__init__.py")]


@pytest.mark.parametrize("arrow", HOUSE.arrows, ids=lambda arrow: f"{arrow.begin}-{arrow.end}")
def test_an_arrow_between_rooms_is_an_import(arrow: Arrow):
    assert arrow.end in real_arrows()[arrow.begin], (
        "no file imports so any more: take the arrow out of the picture"
    )


def test_every_import_between_rooms_is_an_arrow_or_follows_from_arrows():
    missing = {name: sorted(ends - below(name)) for name, ends in real_arrows().items() if ends - below(name)}
    assert missing == {}, "these imports need an arrow in the picture"


def test_no_arrow_says_what_others_say():
    pairs = [(arrow.begin, arrow.end) for arrow in HOUSE.arrows]
    needless = [(a, b) for a, b in pairs if any(x == a and y != b and b in below(y) for x, y in pairs)]
    assert needless == [], "these arrows follow from others: take them out of the picture"


def test_nothing_leads_back_up():
    assert [name for name in HOUSE.nodes if name in below(name)] == []


def function(said: str) -> Function:
    path, _, name = said.partition(": ")
    return Function(path, name)


STEPS = {name: function(said) for name, said in WAY.nodes.items()}


@pytest.mark.parametrize("said", [*WAY.nodes.values(), *WAY.boxes.values()])
def test_every_step_of_an_arrivals_way_is_a_function_of_the_code(said: str):
    assert exists(function(said))


@pytest.mark.parametrize("arrow", WAY.arrows, ids=lambda arrow: f"{arrow.begin}-{arrow.end}")
def test_every_arrow_of_an_arrivals_way_is_true(arrow: Arrow):
    begin, end = STEPS[arrow.begin], STEPS[arrow.end]
    if arrow.kind == "-->":
        reached = walk(function(WAY.boxes[arrow.box]))
        assert reached.index(begin) < reached.index(end)
    elif arrow.kind == "-.->":
        assert end in walk(begin)
    elif arrow.label == "prefect.yaml":
        assert set(_deployments_of(end)) & set(_texts(begin.path))
    else:
        assert all(arrow.label in {each.path for each in walk(side)} for side in (begin, end))


def _deployments_of(flow: Function) -> list[str]:
    """As Prefect names them: the flow's name, a slash, the deployment's."""
    known = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    entrypoint = f"{flow.path.removesuffix('.py').replace('/', '.')}.{flow.name}"
    return [f"{flow.name}/{each['name']}" for each in known if each["entrypoint"] == entrypoint]


def _texts(path: str) -> list[str]:
    return [node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)]


PROSE = re.sub(r"```.+?```", "", PAGE.read_text(), flags=re.DOTALL)
NAMED = sorted(set(re.findall(r"`([\w.-]+/[\w./-]*(?:::\w+)?)`", PROSE)))


@pytest.mark.parametrize("named", NAMED)
def test_every_file_and_test_that_the_page_names_is_there(named: str):
    path, _, test = named.partition("::")
    assert (ROOT / path).exists()
    if test:
        assert any(isinstance(node, ast.FunctionDef) and node.name == test for node in tree(path).body)


WORDS = sorted(set(re.findall(r"`(_?[A-Za-z]\w+)` in `([\w/.-]+\.py)`", PROSE)))


@pytest.mark.parametrize(("word", "path"), WORDS)
def test_what_the_page_says_to_be_in_a_file_is_there(word: str, path: str):
    assert re.search(rf"^(def |class )?{word}\b", (ROOT / path).read_text(), re.MULTILINE)
