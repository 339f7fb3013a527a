"""Randomness from one seed: every use derives its own stream, and torch's global one is left as it was."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from grasp_core.ranks.world import rank


def derive(seed: int, *path: str | int) -> int:
    """Derive a seed in [0, 2^63) for the use that path names, so that uses never share random numbers."""
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """Make a CPU generator for the use that path names."""
    return torch.Generator().manual_seed(derive(seed, *path))


@contextmanager
def seeded(seed: int, *path: str | int, device: torch.device) -> Iterator[None]:
    """Seed torch's global random numbers (dropout, data loaders) on CPU and device, then put them back.

    Ranks behind the first draw others: their rows are other samples.
    """
    path = (*path, "rank", rank()) if rank() else path
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(derive(seed, *path))
        for each in cuda:
            with torch.cuda.device(each):
                torch.cuda.manual_seed(derive(seed, *path))
        yield


def conditions() -> dict[str, str]:
    """Name what has to be equal, beside the seed, for two runs on CPU to be bitwise equal."""
    return {
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
