"""The Mermaid blocks of docs/architecture.md: nodes, the boxes that hold them, and arrows by their kind."""

import re
from dataclasses import dataclass, field
from itertools import pairwise, product

from tests.architecture.calls import ROOT

PAGE = ROOT / "docs" / "architecture.md"
_NODE = re.compile(r"(\w+)\[\(?\"(.+)<br/>(.+)\"\)?\]")
_BOX = re.compile(r"subgraph (\w+)\[\"(.+)\"\]")
_ARROW = re.compile(r"\s+(-->|-\.->|==>)(?:\|(.+?)\|)?\s+")


@dataclass(frozen=True)
class Arrow:
    begin: str
    end: str
    kind: str  # -->, -.-> or ==>
    label: str | None
    box: str | None  # that the line stands in


@dataclass
class Picture:
    nodes: dict[str, str] = field(default_factory=dict)  # id to what the label's first line says
    arrows: list[Arrow] = field(default_factory=list)
    boxes: dict[str, str] = field(default_factory=dict)  # id to title


def pictures() -> list[Picture]:
    """Every picture of the page, in order. Raises ValueError at a line that says none of the above."""
    return [
        _picture(block) for block in re.findall(r"```mermaid\nflowchart TD\n(.+?)```", PAGE.read_text(), re.S)
    ]


def _picture(block: str) -> Picture:
    picture, box = Picture(), None
    for line in map(str.strip, block.splitlines()):
        if node := _NODE.fullmatch(line):
            picture.nodes[node[1]] = node[2]
        elif begun := _BOX.fullmatch(line):
            box = begun[1]
            picture.boxes[box] = begun[2]
        elif line == "end":
            box = None
        elif _ARROW.search(line):
            picture.arrows += _arrows(line, box)
        else:
            raise ValueError(f"{PAGE.name}: cannot read {line!r}")
    return picture


def _arrows(line: str, box: str | None) -> list[Arrow]:
    """Take `a --> b & c` and `a --> b --> c` apart."""
    words = _ARROW.split(line)
    ends = [side.split(" & ") for side in words[::3]]
    said = zip(words[1::3], words[2::3], strict=True)
    return [
        Arrow(begin, end, kind, label, box)
        for (lefts, rights), (kind, label) in zip(pairwise(ends), said, strict=True)
        for begin, end in product(lefts, rights)
    ]
