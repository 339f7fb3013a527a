"""One absorb over several ranks of this machine: start them, hear their epochs, take what they made."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from grasp_core.levers import OFF, Levers
from grasp_core.progress import Epoch
from tasks.candidates.absorb import absorb_source
from tasks.candidates.candidate import Candidate, Parent
from tasks.candidates.ranks.documents import Arrays, Job, Made, Place
from tasks.candidates.ranks.elastic import Launched, ranks_of
from tasks.candidates.ranks.failure import cause
from tasks.candidates.ranks.rank import EPOCHS
from tasks.contracts.target import Target
from tasks.data.datasets import LoadedDataset

POLL_S = 0.1


def absorb_over(
    target: Target,
    dataset: LoadedDataset,
    *,
    devices: int,
    source: Path,
    parent: Parent | None,
    directory: Path,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
    levers: Levers = OFF,
) -> Candidate:
    """Absorb over so many ranks, each on a device of this kind; over one it is absorb_source, here.

    Whatever on_epoch raises, or a signal does, ends all ranks. Raises RankLost when one is killed, else what
    absorb_source raises.
    """
    if devices == 1:
        return absorb_source(
            target,
            dataset,
            source=source,
            parent=parent,
            directory=directory,
            device=device,
            on_epoch=on_epoch,
            levers=levers,
        )
    place = Place(directory / "ranks")
    place.directory.mkdir()
    job = Job(
        target=target,
        dataset=dataset.document,
        digest=dataset.digest,
        arrays={split: _arrays(dataset, split, place.directory) for split in dataset.splits},
        source=source,
        parent=parent,
        directory=directory,
        device=device.type,
        levers=replace(levers, compile_from=None),  # it would take batch norm's place
        threads=max(1, torch.get_num_threads() // devices),
    )
    place.job.write_text(job.model_dump_json(by_alias=True))
    _run(place, devices, on_epoch, subject=f"{source.name} into {target.name}")
    return Made.model_validate_json(place.made.read_bytes()).candidate(devices=devices)


def _arrays(dataset: LoadedDataset, split: str, directory: Path) -> Arrays:
    """Name the files of a split; arrays that were not mapped from one are written to one."""
    arrays = dataset.splits[split]
    files = []
    for name, array in (("images", arrays.images), ("labels", arrays.labels)):
        file = getattr(array, "filename", None)
        if file is None:
            file = directory / f"{split}-{name}.npy"
            np.save(file, array, allow_pickle=False)
        files.append(Path(file))
    return Arrays(*files)


def _run(place: Place, devices: int, on_epoch: Callable[[Epoch], None], *, subject: str) -> None:
    place.epochs.touch()
    with ranks_of(place, devices) as launched:
        for epoch in _epochs(place, launched):
            on_epoch(epoch)
    if isinstance(launched.error, ChildFailedError):
        raise cause(launched.error.failures, place, ranks=devices, subject=subject) from launched.error
    if launched.error:
        raise launched.error


def _epochs(place: Place, launched: Launched) -> Iterator[Epoch]:
    """Give the epochs that rank 0 tells, as it tells them, until the ranks have ended."""
    with place.epochs.open() as lines:
        line = ""
        while True:
            going = launched.is_alive()
            while more := lines.readline():
                line += more
                if line.endswith("\n"):
                    yield EPOCHS.validate_json(line)
                    line = ""
            if not going:
                return
            launched.join(POLL_S)
