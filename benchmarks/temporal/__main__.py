"""Run the real-time benchmark: `python -m benchmarks.temporal quick|tuning|full`. Stopped, it goes on."""

from pathlib import Path

from benchmarks.accuracy.command import Benchmark, main
from benchmarks.accuracy.seeds import FRESH_TEMPORAL, TUNING
from benchmarks.temporal import report
from benchmarks.temporal.features import ready
from benchmarks.temporal.settings import BLOCK, FULL, HEADS, NEWEST, QUICK, STARTS

TEMPORAL = Benchmark(
    name="temporal",
    looks={"quick": QUICK},
    parts={"block": BLOCK, "newest": NEWEST, "starts": STARTS, "heads": HEADS},
    whole=FULL,
    tuning=TUNING,
    fresh=FRESH_TEMPORAL,
    results=Path("benchmarks/temporal/results/full.jsonl"),
    write=lambda path: report.write(path, Path("docs")),
)

if __name__ == "__main__":
    ready()
    main(TEMPORAL, description=__doc__)
