"""Measure negative transfer over 50 seeds: `python -m benchmarks.negative_transfer`, resumable."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.accuracy.seeds import FRESH_NEGATIVE_TRANSFER
from benchmarks.negative_transfer.outcomes import outcomes
from benchmarks.negative_transfer.summary import read, table
from tasks.contracts.target import GateSettings

RESULTS = Path(__file__).parent / "results.jsonl"


def main() -> None:
    """Measure the seeds that are missing, print the table, fail when a champion fell too far."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.negative_transfer", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=FRESH_NEGATIVE_TRANSFER)
    parser.add_argument("--mode", choices=["guarded", "reference"], default="guarded")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    done = {outcome.seed for outcome in read(given.results) if outcome.mode == given.mode}
    for seed in given.seeds:
        if seed not in done:
            lines = [json.dumps(asdict(outcome)) + "\n" for outcome in outcomes(seed, mode=given.mode)]
            with given.results.open("a") as file:
                file.write("".join(lines))
    found = read(given.results)
    print(table(found))
    worst = min(outcome.gate_change for outcome in found)
    if worst < -100 * GateSettings().margin - 1e-9:
        raise SystemExit(
            f"a champion fell by {-worst:.2f} points, may fall by {100 * GateSettings().margin:g}"
        )


if __name__ == "__main__":
    main()
