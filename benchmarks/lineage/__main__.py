"""`make bench-lineage`: what an absorb costs outside of training, as a registry grows; what a gate lets in.

Example: python -m benchmarks.lineage registry
"""

import argparse
import json
import os
import sys
from importlib import import_module

from benchmarks.lineage.servers import QUIET

MEASUREMENTS = ("overhead", "epochs", "registry", "gate")  # modules of benchmarks.lineage


def main() -> None:
    """Run one measurement, or all; print rows as JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description=__doc__)
    parser.add_argument("which", nargs="*", help=f"of {', '.join(MEASUREMENTS)}; all without it")
    os.environ.update(QUIET)
    for which in parser.parse_args().which or MEASUREMENTS:
        for row in import_module(f"benchmarks.lineage.{which}").measure():
            sys.stdout.write(json.dumps({"measured": which} | row) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
