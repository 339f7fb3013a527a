"""Measure the peak of live tensors of every peer over many sources: `python -m benchmarks.memory`."""

import argparse
import gc
import json
import tempfile
from pathlib import Path

import torch

from benchmarks.memory.network import network
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data import digits
from grasp_core.data.target import TargetData
from grasp_core.models.snapshots import DiskSnapshots
from grasp_core.peers.catalogue import PEERS
from grasp_core.peers.peer import Load, Task
from grasp_core.training.finetune import fine_tune
from tasks.studies.live import parameter_bytes, peak_sizes

COUNTS = (2, 8, 64)
GROWING = (2, 8)  # of peers whose every step reads all task vectors: 64 sources are an hour, and tell no more
SLOW = ("pcb", "doge", "atlas", "pearl")
RESULTS = Path(__file__).parent / "results.json"
DEPTH = 4  # layers of the network
BATCH = 8  # small, so that activations weigh little beside parameters


def target_data() -> TargetData:
    """Give twenty labelled digits as batches that are already in memory, so that none is counted anew."""
    splits = digits.target(budget=20, strength=1.0, seed=0)
    return TargetData(list(splits.train.samples().batches(BATCH)), list(splits.val.samples().batches(BATCH)))


def peak_of(peer: str, *, sources: int, config: AbsorbConfig) -> float:
    """Let a peer meet so many sources; give its peak in parameter sizes, snapshots being on disk."""
    data = target_data()
    with tempfile.TemporaryDirectory() as directory:
        task = Task(
            build=lambda: network(0, depth=DEPTH),
            data=data,
            config=config,
            snapshots=DiskSnapshots(Path(directory)),
        )

        def meet_all() -> None:
            competitor = PEERS[peer](task)
            for number in range(sources):
                competitor.meet(_loader(number))

        gc.collect()
        return peak_sizes(meet_all, network(0, depth=DEPTH)) - 1  # less the network that only gives the unit


def plain_fine_tune(config: FineTuneConfig) -> float:
    """Give the peak of one plain fine-tune of the same network on the same batches."""
    data, model = target_data(), network(0, depth=DEPTH)
    with tempfile.TemporaryDirectory() as directory:
        snapshots = DiskSnapshots(Path(directory))
        return peak_sizes(
            lambda: fine_tune(model, data.train, data.val, config=config, snapshots=snapshots), model
        )


def main() -> None:
    """Measure, print, and write benchmarks/memory/results.json for the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), help="only these")
    parser.add_argument("--counts", nargs="+", type=int, help="of sources; usual: 2, 8 and 64")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = AbsorbConfig(lr=1e-3, epochs=1, initial_epochs=1, batch_size=BATCH)
    peaks = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for peer in given.peers:
        for count in given.counts or (GROWING if peer in SLOW else COUNTS):
            peak = round(peak_of(peer, sources=count, config=config), 3)
            peaks.setdefault(peer, {})[str(count)] = peak
    plain = plain_fine_tune(config.fine_tuning(epochs=1))
    one_fold = AbsorbConfig(folds=1, lr=1e-3, epochs=1, initial_epochs=1, batch_size=BATCH)
    single = peak_of("guarded", sources=8, config=one_fold)
    peaks["guarded, folds=1"] = {"8": round(single, 3)}
    peaks["plain fine-tune"] = {"1": round(plain, 3)}
    RESULTS.write_text(json.dumps(peaks, indent=1) + "\n")
    for peer, by_count in peaks.items():
        print(f"{peer:24}" + "".join(f"  K={count}: {peak:6.2f}" for count, peak in by_count.items()))
    print(f"unit: {parameter_bytes(network(0, depth=DEPTH))} bytes; folds=1 over plain: {single / plain:.3f}")


def _loader(number: int) -> Load:
    return lambda: network(number + 1, depth=DEPTH)


if __name__ == "__main__":
    main()
