"""Peak memory of an absorb at 224 pixels: `python -m benchmarks.memory.photographs`.

Plain fine-tune and absorb, each in a process of its own: live tensors in bytes, the resident set, and what
snapshots take of the disk. An absorb keeps freed memory, as a worker's does; the plain fine-tune does not.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from benchmarks.deciding.__main__ import PAPER
from benchmarks.speed.pictures import SIDE, network, noise
from grasp_core.absorb import absorb, begin
from grasp_core.config import AbsorbConfig, FineTuneConfig
from grasp_core.data.target import TargetData
from grasp_core.levers import Levers
from grasp_core.models.equip import kernels
from grasp_core.models.snapshots import STEM, DiskSnapshots
from grasp_core.training.finetune import fine_tune
from tasks.studies.live import LiveBytes, parameter_bytes

KINDS = ("plain", "guarded", "reference")
RESULTS = Path(__file__).parent / "photographs.json"
TRAIN, VAL = 32, 16


def measure(name: str, kind: str, *, batch: int, sources: int, side: int = SIDE) -> dict[str, float]:
    """Fine-tune, or absorb so many sources, in this process; give its peaks in bytes."""
    model, data = network(name, seed=1), TargetData(noise(TRAIN, side=side), noise(VAL, side=side, seed=1))
    with (
        kernels(Levers(keep_memory=kind != "plain")),
        tempfile.TemporaryDirectory() as directory,
        _disk(Path(directory)) as disk,
        LiveBytes(model) as live,
    ):
        snapshots = DiskSnapshots(Path(directory))
        if kind == "plain":
            config = FineTuneConfig(epochs=1, batch_size=batch)
            fine_tune(model, data.train, data.val, config=config, snapshots=snapshots)
        else:
            told = AbsorbConfig(mode=kind, epochs=1, batch_size=batch)  # type: ignore[arg-type]
            for number in range(sources):
                if number:
                    snapshots.load_into(STEM, model)
                source = partial(network, name, seed=number + 2)
                step = absorb if number else begin  # the first is trained whatever the labels say
                step(model, source, data, config=told, snapshots=snapshots)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "parameters": parameter_bytes(model),
        "live": live.peak,
        "resident": peak_kb * 1024,
        "disk": max(disk),
    }


@contextmanager
def _disk(directory: Path, *, every_s: float = 0.05) -> Iterator[list[int]]:
    """Note the bytes of all files below a directory again and again while entered."""
    seen, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(every_s):
            seen.append(sum(_size(path) for path in directory.iterdir()))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # replaced between both looks
        return 0


def main() -> None:
    """Measure, print, and write photographs.json for docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory.photographs", description=__doc__)
    parser.add_argument("--networks", nargs="+", default=list(PAPER))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--batch", type=int, default=8, help="small, so that parameters weigh most")
    parser.add_argument("--sources", type=int, default=2, help="the first target, and what it absorbs")
    parser.add_argument("--here", action="store_true", help="measure one network and kind in this process")
    given = parser.parse_args()
    if given.here:
        torch.set_num_threads(1)
        measured = measure(given.networks[0], given.kinds[0], batch=given.batch, sources=given.sources)
        print(json.dumps(measured))
        return
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in given.networks:
        for kind in given.kinds:
            words = ["--networks", name, "--kinds", kind, "--batch", given.batch, "--sources", given.sources]
            found[f"{name} {kind} K={given.sources} B={given.batch}"] = _apart(words)
            RESULTS.write_text(json.dumps(found, indent=1) + "\n")
            print(f"{name} {kind}", found[f"{name} {kind} K={given.sources} B={given.batch}"], flush=True)


def _apart(words: list[object]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory.photographs", *map(str, words), "--here"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
