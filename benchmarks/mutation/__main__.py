"""Which share of small changes the tests notice, per module: `mutmut results --all true | … 85`.

The number is the least share in percent; below it the exit code is 1. A mutant that runs for ever is noticed,
one that no test runs is not.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable

_RESULT = re.compile(r"\s*(?P<module>[\w.]+)\.x\w*__mutmut_\d+: (?P<status>.+)")
NOTICED = {"killed", "timeout"}


def main() -> int:
    """Print a line per module and one for all; give the exit code."""
    counted = count(sys.stdin)
    total = sum(counted.values(), Counter[str]())
    for name, found in [*sorted(counted.items()), ("all", total)]:
        print(f"{name:32} {share(found):5.1f} %  of {found.total():4}: {_said(found)}")
    return int(share(total) < float(sys.argv[1]))


def count(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Count the mutants of each module by what became of them."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for match in filter(None, map(_RESULT.fullmatch, (line.rstrip() for line in lines))):
        found[match["module"]][match["status"]] += 1
    return found


def share(found: Counter[str]) -> float:
    """Give the percentage that was noticed; 0 of none."""
    return 100 * sum(found[status] for status in NOTICED) / max(found.total(), 1)


def _said(found: Counter[str]) -> str:
    return ", ".join(f"{number} {status}" for status, number in found.most_common())


if __name__ == "__main__":
    sys.exit(main())
