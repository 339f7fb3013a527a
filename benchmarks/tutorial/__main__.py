"""The tutorial's commands, timed, from a clone to a champion: `python -m benchmarks.tutorial [--install]`.

Its blocks are run as they stand in docs/tutorial/first-champion.md, in a directory that is removed after.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-champion.md"
BLOCK = re.compile(r"^## ([^\n]+)$|^<!-- run: tutorial -->\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FOREIGN = ("AWS_", "GRASP_", "MLFLOW_", "PREFECT_")
SIGN = "=== "


def main() -> int:
    """Run it, say the seconds of every section; give the exit code of what failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tutorial", description=__doc__)
    parser.add_argument("--install", action="store_true", help="in a fresh clone, with make setup")
    install = parser.parse_args().install
    with tempfile.TemporaryDirectory(prefix="grasp-tutorial-") as made:
        began, clone = time.monotonic(), ROOT
        if install:
            clone = Path(made) / "clone"
            subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
            subprocess.run(["make", "-C", str(clone), "setup"], check=True)
            _say("1. A place to work", time.monotonic() - began)
        code = _run(clone, Path(made) / "models")
        _say("all of it", time.monotonic() - began)
    return code


def _run(clone: Path, here: Path) -> int:
    here.mkdir()
    tools = clone / ".venv" / "bin" if (clone / ".venv").is_dir() else Path(sys.executable).parent
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment = {**own, "CLONE": str(clone), "PATH": f"{tools}:{os.environ['PATH']}"}
    shell = ["bash", "-c", "\n".join(_script())]
    try:
        with subprocess.Popen(shell, cwd=here, env=environment, stdout=subprocess.PIPE, text=True) as story:
            for section, taken_s in _sections(story.stdout or ()):
                _say(section, taken_s)
        return story.returncode
    finally:
        subprocess.run([str(tools / "grasp"), "down"], cwd=here, env=environment, check=False)


def _script() -> Iterator[str]:
    yield "set -euo pipefail"
    for section, language, text in BLOCK.findall(PAGE.read_text()):
        if section:
            yield f"echo '{SIGN}{section}'"
        else:
            yield f"python - <<'PYTHON'\n{text}PYTHON\n" if language == "python" else text


def _sections(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Give each section once it is over, and what it took."""
    section, began = "", time.monotonic()
    for line in lines:
        sys.stdout.write("" if line.startswith(SIGN) else f"    {line}")
        if line.startswith(SIGN):
            if section:
                yield section, time.monotonic() - began
            section, began = line.removeprefix(SIGN).strip(), time.monotonic()
    yield section, time.monotonic() - began


def _say(what: str, taken_s: float) -> None:
    print(f"{taken_s:6.0f} s  {what}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
