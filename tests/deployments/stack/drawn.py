"""Draw what `soaking` printed: `python -m tests.deployments.stack.drawn PRINTED PICTURE`."""

import json
import sys
from pathlib import Path

from matplotlib.figure import Figure

SHOWN = {
    "absorb_s": "seconds of an absorb (median)",
    "run_peak_mib": "memory of a flow run, peak, MiB",
    "memory_mib": "memory of servers and workers, MiB",
    "open_files": "their open files, without PostgreSQL",
    "rows_per_absorb": "rows of PostgreSQL per absorb",
    "disk_mib_per_absorb": "disk per absorb, MiB",
}


def draw(printed: Path, picture: Path) -> None:
    """Draw each figure over the number of sources absorbed so far, from zero."""
    seen = [found for line in printed.read_text().splitlines() if "sources" in (found := json.loads(line))]
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    for axes, (name, label) in zip(figure.subplots(2, 3).flat, SHOWN.items(), strict=True):
        axes.plot([found["sources"] for found in seen], [found[name] for found in seen], color="#1f5f8b")
        axes.set_ylim(bottom=0)
        axes.set_title(label, fontsize=9)
        axes.set_xlabel("sources", fontsize=8)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:]))
