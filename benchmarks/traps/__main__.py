"""Measure guarded mode in the traps: `python -m benchmarks.traps`. Stopped, it goes on."""

import argparse
import copy
import sys
from pathlib import Path

import torch

from benchmarks.traps.table import report
from benchmarks.traps.traps import TRAPS, Laid, lay
from grasp_core.config import AbsorbConfig
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.peers.catalogue import PEERS
from grasp_core.peers.peer import Load, Peer, Task
from tasks.studies import ledger
from tasks.studies.cell import Cell
from tasks.studies.measure import measure

SEEDS = tuple(range(6000, 6024))
RESULTS = Path(__file__).parent / "results.jsonl"
DOCS = Path("docs/benchmark/traps.md")
EPOCHS, STEPS, BATCH = 20, 40, 32  # of a fine-tune: epochs, but at least so many steps


class AsItCame(Peer):
    """Serves the newest source untouched."""

    def meet(self, load_source: Load) -> int:
        """Become the source."""
        self.model = load_source()
        return 0


WHO = {"guarded": PEERS["guarded"], "best_source": PEERS["best_source"], "as it came": AsItCame}


def main() -> None:
    """Measure the seeds and traps that the ledger lacks, one after the other; print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.traps", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--traps", nargs="+", choices=list(TRAPS), default=list(TRAPS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    ledger.mend(given.results)
    done = ledger.done(given.results)
    todo = [
        (seed, name)
        for seed in given.seeds
        for name in given.traps
        if any((name, seed, who) not in done for who in WHO)
    ]
    for number, (seed, name) in enumerate(todo, start=1):
        for cell in cells(name, seed=seed):
            if (name, seed, cell.peer) not in done:
                ledger.append(given.results, cell)
        print(f"{number} of {len(todo)}: {name}, seed {seed}", file=sys.stderr)
    text = report(list(ledger.records(given.results, Cell)))
    print(text)
    if given.results == RESULTS:
        DOCS.write_text(text)


def cells(name: str, *, seed: int) -> list[Cell]:
    """Let everybody meet the sources of one trap with one seed."""
    laid = lay(name, seed=seed)
    loads = [lambda source=source: copy.deepcopy(source) for source in laid.sources]
    found = []
    for who, make in WHO.items():
        met = measure(make(_task(laid, seed=seed)), loads, [laid.test])
        found.append(
            Cell(
                setting=name,
                seed=seed,
                peer=who,
                accuracies=tuple(row[0] for row in met.matrix),
                gradient_passes=met.gradient_passes,
                cpu_s=met.cpu_s,
            )
        )
    return found


def _task(laid: Laid, *, seed: int) -> Task:
    samples = sum(len(labels) for _, labels in laid.data.train)
    epochs = max(EPOCHS, -(-STEPS // -(-samples // BATCH)))
    return Task(
        build=laid.network,
        data=laid.data,
        config=AbsorbConfig(lr=1e-3, epochs=epochs, initial_epochs=epochs, batch_size=BATCH, seed=seed),
        snapshots=MemorySnapshots(),
    )


if __name__ == "__main__":
    main()
