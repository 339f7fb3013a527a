"""Run the benchmark: `python -m benchmarks.accuracy quick|related|tuning|full`. Stopped, it goes on."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from benchmarks.accuracy import report
from benchmarks.accuracy.runner import run
from benchmarks.accuracy.seeds import FRESH, TUNING
from benchmarks.accuracy.settings import (
    CLAIM,
    FULL,
    NOT_WORSE,
    PARTIAL,
    QUICK,
    RELATED_QUICK,
    RELATED_WORK,
    SECOND_TASK,
    Setting,
)
from grasp_core.peers.catalogue import PEERS

RESULTS = Path(__file__).parent / "results" / "full.jsonl"
DOCS = Path("docs")
PARTS = {
    "claim": CLAIM,
    "not_worse": NOT_WORSE,
    "partial": PARTIAL,
    "second_task": SECOND_TASK,
    "related_work": RELATED_WORK,
}
LOOKS = {"quick": QUICK, "related": RELATED_QUICK}  # a few seeds, measured anew each time


def main() -> None:
    """Measure, then print (quick, related, tuning) or write (full) the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("which", choices=["quick", "related", "tuning", "full"])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, nargs="+", help="other seeds than those of seeds.py")
    parser.add_argument(
        "--results", type=Path, help="other ledger than benchmarks/accuracy/results/full.jsonl"
    )
    parser.add_argument("--part", choices=list(PARTS), help="only these settings of the whole")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), help="only these")
    given = parser.parse_args()
    chosen = LOOKS.get(given.which) or (PARTS[given.part] if given.part else FULL)
    settings = tuple(_only(setting, given.peers) for setting in chosen)
    seeds = {"tuning": TUNING, "full": FRESH}.get(given.which, TUNING[:3])
    path = given.results or (RESULTS if given.which == "full" else Path(f".bench/{given.which}.jsonl"))
    if given.which in LOOKS and given.results is None:
        path.unlink(missing_ok=True)  # a quick look is at the code as it is now
    run(settings, tuple(given.seeds or seeds), path, workers=given.workers)
    if given.which == "full" and given.results is None:
        report.write(path, DOCS)
    else:
        print(report.tables(path))


def _only(setting: Setting, peers: list[str] | None) -> Setting:
    return replace(setting, peers=tuple(peer for peer in setting.peers if peer in (peers or PEERS)))


if __name__ == "__main__":
    main()
