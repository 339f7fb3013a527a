"""Command blocks of the documentation: which there are, what is said of each, what each has to print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md") if (ROOT / name).is_file()),
    *sorted(
        path
        for path in (ROOT / "docs").rglob("*.md")
        if not {"_build", "made"} & {*path.parts[len(ROOT.parts) :]}
    ),
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"<!-- (run|not run|prints)(?:: ([^\n]+?))? -->\n\Z")
COMMANDS = ("bash", "sh", "shell", "console", "python")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, and the comment right before it."""

    page: str
    line: int
    language: str
    text: str
    mark: str = ""
    said: str = ""
    prints: str = ""

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """Give a page's command blocks in order, each with the text block that says what it prints."""
    found: list[Block] = []
    for block in _fenced(path):
        if block.mark == "prints":
            last = found.pop()
            found.append(Block(**{**vars(last), "prints": block.text}))
        elif block.language in COMMANDS or block.mark:
            found.append(block)
    return found


def _fenced(path: Path) -> Iterator[Block]:
    text, page = path.read_text(), path.relative_to(ROOT).as_posix()
    for match in FENCE.finditer(text):
        before = MARK.search(text[: match.start()])
        mark, said = before.groups(default="") if before else ("", "")
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, match[1], match[2], mark, said)


ALL = [block for path in PAGES for block in blocks(path)]


def expected(block: Block) -> list[re.Pattern[str]]:
    """Give a pattern for each line that a block has to print; … stands for anything within a line."""
    return [
        re.compile(r"\s*".join(".*".join(map(re.escape, part.split("…"))) for part in line.split()))
        for line in block.prints.splitlines()
    ]
