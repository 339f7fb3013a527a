"""Time the fine-tune against the published recipe, whole processes in turns: `python -m benchmarks.speed`."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.speed.record import Timing
from benchmarks.speed.report import report
from tasks.studies import ledger

RESULTS = Path(__file__).parent / "results.jsonl"
DOCS = Path("docs/performance.md")
QUICK = ("published", "off augmented", "auto augmented", "auto plain")
MOBILEVIT = "timm/mobilevit_xxs"


def main() -> None:
    """Measure, print; the whole form writes docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few images and variants, under five minutes")
    parser.add_argument("--networks", nargs="+", default=[MOBILEVIT])
    parser.add_argument("--images", type=int, default=0, help="that are trained on; 160, or 32 in a hurry")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--variants", nargs="+", default=())
    parser.add_argument("--results", type=Path, help=f"ledger; {RESULTS.name}, or none in a hurry")
    given = parser.parse_args()
    images = given.images or (32 if given.quick else 160)
    epochs, variants = (1, QUICK) if given.quick else (given.epochs, _all())
    with tempfile.TemporaryDirectory() as directory:
        pictures = Path(directory) / "pictures"
        results = given.results or (Path(directory) / RESULTS.name if given.quick else RESULTS)
        for run in range(1, given.runs + 1):
            for network in given.networks:
                for variant in given.variants or variants:
                    what = [variant, "--network", network, "--seed", run]
                    size = ["--images", images, "--epochs", epochs, "--threads", given.threads]
                    timing = one([*what, *size, "--pictures", pictures])
                    ledger.append(results, timing)
                    print(timing, file=sys.stderr)
        text = report(list(ledger.records(results, Timing)))
    print(text)
    if results == RESULTS:
        DOCS.write_text(text)


def one(arguments: list[object]) -> Timing:
    """Run a variant in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.speed.one", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def _all() -> tuple[str, ...]:
    from benchmarks.speed.one import VARIANTS

    return VARIANTS


if __name__ == "__main__":
    main()
