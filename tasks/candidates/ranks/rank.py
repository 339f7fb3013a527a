"""One of the processes that absorb a source together: `python -m tasks.candidates.ranks.rank DIRECTORY`.

torch's elastic launcher starts it and says which rank it is. It ends at once when the process of the absorb
lets go of the lock, or dies.
"""

import fcntl
import logging
import os
import sys
import threading
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import distributed

from grasp_core.progress import Epoch
from tasks.candidates.absorb import absorb_source
from tasks.candidates.candidate import Candidate
from tasks.candidates.device import computing
from tasks.candidates.ranks.documents import Job, Made, Place
from tasks.candidates.ranks.failure import failed
from tasks.credentials.discretion import be_discreet
from tasks.data.datasets import LoadedDataset, SplitArrays

EPOCHS: TypeAdapter[Epoch] = TypeAdapter(Epoch)
log = logging.getLogger(__name__)


def main(directory: str) -> int:
    """Absorb with the others; rank 0 leaves what was made. Gives the process's exit code."""
    place, rank = Place(Path(directory)), int(os.environ["RANK"])
    logging.basicConfig(format=f"rank {rank}: %(message)s")
    be_discreet()
    threading.Thread(target=_end_with, args=(place,), daemon=True).start()
    try:
        made = _absorb(place, rank)
        if rank == 0:
            place.made.write_text(Made.of(made).model_dump_json())
    except Exception as error:
        log.exception("the absorb failed")
        place.failed(rank).write_text(failed(error).model_dump_json())
        return 1
    distributed.destroy_process_group()
    return 0


def _end_with(place: Place) -> None:
    with place.alive.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
    os._exit(1)  # whatever is computed or waited for: nobody wants it any more


def _absorb(place: Place, rank: int) -> Candidate:
    job = Job.model_validate_json(place.job.read_bytes())
    torch.set_num_threads(job.threads)
    device = _join(job.device, rank)
    directory = job.directory if rank == 0 else place.directory / f"rank-{rank}"
    directory.mkdir(exist_ok=True)
    with computing(job.levers), place.epochs.open("a") as epochs:

        def tell(epoch: Epoch) -> None:
            if rank == 0:
                epochs.write(EPOCHS.dump_json(epoch).decode() + "\n")
                epochs.flush()

        return absorb_source(
            job.target,
            _loaded(job),
            source=job.source,
            parent=job.parent,
            directory=directory,
            device=device,
            on_epoch=tell,
            levers=job.levers,
        )


def _join(kind: str, rank: int) -> torch.device:
    """Join the other ranks; give this one's device."""
    if kind == "cuda":
        device = torch.device("cuda", rank)
        torch.cuda.set_device(device)
        distributed.init_process_group("nccl", device_id=device)
        return device
    if sys.platform == "linux":  # gloo would look up the machine's name
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    distributed.init_process_group("gloo")
    return torch.device(kind)


def _loaded(job: Job) -> LoadedDataset:
    splits = {
        name: SplitArrays(
            images=np.load(files.images, mmap_mode="r", allow_pickle=False),
            labels=np.load(files.labels, mmap_mode="r", allow_pickle=False),
            ids=(),
        )
        for name, files in job.arrays.items()
    }
    return LoadedDataset(document=job.dataset, digest=job.digest, splits=splits)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
