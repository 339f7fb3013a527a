"""Run the benchmark: `python -m benchmarks.accuracy quick|related|tuning|full`. Stopped, it goes on."""

from pathlib import Path

from benchmarks.accuracy import report
from benchmarks.accuracy.command import Benchmark, main
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
    STARTS,
)

ACCURACY = Benchmark(
    name="accuracy",
    looks={"quick": QUICK, "related": RELATED_QUICK},
    parts={
        "claim": CLAIM,
        "not_worse": NOT_WORSE,
        "partial": PARTIAL,
        "starts": STARTS,
        "second_task": SECOND_TASK,
        "related_work": RELATED_WORK,
    },
    whole=FULL,
    tuning=TUNING,
    fresh=FRESH,
    results=Path("benchmarks/accuracy/results/full.jsonl"),
    write=lambda path: report.write(path, Path("docs")),
)

if __name__ == "__main__":
    main(ACCURACY, description=__doc__)
