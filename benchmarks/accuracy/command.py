"""The command line of a benchmark of peers: look, tune, or measure the whole, and report."""

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.accuracy import report
from benchmarks.accuracy.runner import run
from benchmarks.accuracy.settings import Setting
from grasp_core.peers.catalogue import PEERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """What is measured. looks: a few seeds each, measured anew each time; parts: of the whole, in order.

    results: the whole's ledger; write: makes the whole's report from it.
    """

    name: str
    looks: Mapping[str, tuple[Setting, ...]]
    parts: Mapping[str, tuple[Setting, ...]]
    whole: tuple[Setting, ...]
    tuning: tuple[int, ...]
    fresh: tuple[int, ...]
    results: Path
    write: Callable[[Path], None]


def main(benchmark: Benchmark, *, description: str | None) -> None:
    """Measure, then print (looks, tuning) or write (full) the report."""
    given = _arguments(benchmark, description)
    chosen = benchmark.looks.get(given.which)
    if chosen is None:
        chosen = benchmark.parts[given.part] if given.part else benchmark.whole
    settings = tuple(_only(setting, given.peers) for setting in chosen)
    seeds = {"tuning": benchmark.tuning, "full": benchmark.fresh}.get(given.which, benchmark.tuning[:3])
    default = (
        benchmark.results if given.which == "full" else Path(f".bench/{benchmark.name}-{given.which}.jsonl")
    )
    path = given.results or default
    if given.which in benchmark.looks and given.results is None:
        path.unlink(missing_ok=True)  # a quick look is at the code as it is now
    run(settings, tuple(given.seeds or seeds), path, workers=given.workers)
    if given.which == "full" and given.results is None:
        benchmark.write(path)
    else:
        print(report.tables(path))


def _arguments(benchmark: Benchmark, description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{benchmark.name}", description=description)
    parser.add_argument("which", choices=[*benchmark.looks, "tuning", "full"])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, nargs="+", help="other seeds than those of seeds.py")
    parser.add_argument("--results", type=Path, help=f"other ledger than {benchmark.results}")
    parser.add_argument("--part", choices=list(benchmark.parts), help="only these settings of the whole")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), help="only these")
    return parser.parse_args()


def _only(setting: Setting, peers: list[str] | None) -> Setting:
    return replace(setting, peers=tuple(peer for peer in setting.peers if peer in (peers or PEERS)))
