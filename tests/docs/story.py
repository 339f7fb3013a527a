"""Stories: pages whose blocks are run one after the other in one shell, as a reader would."""

import re
import subprocess
import time
from itertools import pairwise
from pathlib import Path

from tests.docs.blocks import ALL, ROOT, Block

STORIES = {  # the tutorial's world, in which the how-to guides go on; workers only in the end
    "tutorial": (
        "docs/tutorial/first-champion.md",
        "docs/howto/connect.md",
        "docs/operations/index.md",
        "docs/operations/metrics.md",
        "docs/operations/alerts/accuracy-dropped.md",
        "docs/operations/alerts/arrivals-wait.md",
        "docs/operations/alerts/bucket-away.md",
        "docs/operations/alerts/champion-old.md",
        "docs/operations/alerts/mlflow-behind.md",
        "docs/howto/several-targets.md",
        "docs/howto/change-a-target.md",
        "docs/howto/backfill.md",
        "docs/howto/compare-lineages.md",
        "docs/howto/retract.md",
        "docs/howto/roll-back.md",
        "docs/howto/training-job.md",
        "docs/howto/add-a-class.md",
        "docs/tutorial/by-itself.md",
    )
}
SIGN = "=== block "


def script_of(story: str) -> str:
    """Give a story as one bash script that ends at the first command that fails, and tells the time."""
    lines = ["set -euo pipefail"]
    for block in told(story):
        body = f"python - <<'PYTHON'\n{block.text}PYTHON\n" if block.language == "python" else block.text
        lines += [f'echo "{SIGN}{block.where} $SECONDS"', body]
    return "\n".join([*lines, f'echo "{SIGN}end $SECONDS"'])


def told(story: str) -> list[Block]:
    """Give the blocks of a story in its order."""
    run = [block for block in ALL if block.mark == "run" and block.said == story]
    return sorted(run, key=lambda block: (STORIES[story].index(block.page), block.line))


def outputs(printed: str) -> dict[str, str]:
    """Split what a story printed by block."""
    parts = re.split(rf"^{SIGN}(\S+) \d+$", printed, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def seconds(printed: str) -> dict[str, int]:
    """Give how long each block of a story took."""
    began = re.findall(rf"^{SIGN}(\S+) (\d+)$", printed, re.MULTILINE)
    return {where: int(end) - int(at) for (where, at), (_, end) in pairwise(began)}


def tell(story: str, directory: Path, environment: dict[str, str], *, within_s: float) -> tuple[int, str]:
    """Run a story in a directory; give exit code and output. What it started is for the caller to end.

    The code is -1 when the story did not end in time.
    """
    script, log = directory / "story.sh", directory / "story.log"
    script.write_text(script_of(story))
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["bash", script],
            cwd=directory,
            env={**environment, "CLONE": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    deadline = time.monotonic() + within_s
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    code = process.poll()
    return -1 if code is None else code, log.read_text(errors="replace")


def ends_of_logs(directory: Path) -> str:
    """Give the last lines of everything that a story left in logs."""
    return "\n".join(
        f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        for log in sorted([*directory.glob("*.log"), *directory.glob("grasp-data/logs/*.log")])
    )
