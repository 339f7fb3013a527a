"""Measure one peer on the sources of one seed: what it reaches, and what memory it takes."""

import time
from dataclasses import dataclass, replace
from functools import partial

import torch

from grasp_core.config import AbsorbConfig
from grasp_core.data.batches import Batch, Batches
from grasp_core.data.target import TargetData, in_order
from grasp_core.models.snapshots import DiskSnapshots, Snapshots
from grasp_core.peers.catalogue import PEERS
from grasp_core.peers.peer import Load, Task
from tasks.private import private_directory
from tasks.reproduction.sources import UNTRAINED, Networks
from tasks.studies.cell import Cell
from tasks.studies.live import LiveBytes, parameter_bytes
from tasks.studies.measure import measure

FEW, BATCH = (8, 4), 4  # labels of train and val where memory is measured, so that images weigh little


@dataclass(frozen=True, kw_only=True, slots=True)
class Peak:
    """Greatest sum of live tensor bytes up to the end of each source; parameters: bytes of one network's."""

    setting: str
    seed: int
    peer: str
    parameters: int
    peaks: tuple[int, ...]
    wall_s: float


def measure_cell(networks: Networks, peer: str) -> Cell:
    """Let a peer meet all sources in order of time, with the recipe's budget."""
    world, seed = networks.world, networks.seed
    config = world.recipe(networks.study, seed=seed).absorb
    with private_directory(networks.place.scratch) as scratch:
        task = _task(networks, world.labelled(seed=seed), config, DiskSnapshots(scratch))
        measured = measure(PEERS[peer](task), _loads(networks), world.tests(seed=seed))
    return Cell(
        setting=networks.architecture,
        seed=seed,
        peer=peer,
        accuracies=tuple(row[-1] for row in measured.matrix),
        gradient_passes=measured.gradient_passes,
        cpu_s=measured.cpu_s,
        wall_s=measured.wall_s,
        matrix=measured.matrix,
    )


def measure_peak(networks: Networks, peer: str) -> Peak:
    """Let a peer meet all sources with one epoch on a few labels, counting live tensors."""
    at, world, seed = time.monotonic(), networks.world, networks.seed
    config = replace(
        world.recipe(networks.study, seed=seed).absorb, epochs=1, initial_epochs=1, batch_size=BATCH
    )
    labelled, classes = world.labelled(seed=seed), len(world.classes)
    few = TargetData(_few(labelled.train, max(FEW[0], classes), classes), _few(labelled.val, FEW[1], classes))
    peaks = []
    with private_directory(networks.place.scratch) as scratch:
        task = _task(networks, few, config, DiskSnapshots(scratch))
        with LiveBytes() as live:
            competitor = PEERS[peer](task)
            for load in _loads(networks):
                competitor.meet(load)
                peaks.append(live.peak)
    return Peak(
        setting=networks.architecture,
        seed=seed,
        peer=peer,
        parameters=parameter_bytes(networks.load(UNTRAINED)),
        peaks=tuple(peaks),
        wall_s=round(time.monotonic() - at, 3),
    )


def _task(networks: Networks, data: TargetData, config: AbsorbConfig, snapshots: Snapshots) -> Task:
    return Task(
        build=partial(networks.load, UNTRAINED),
        data=data,
        config=config,
        snapshots=snapshots,
        ancestor=networks.ancestor,
    )


def _loads(networks: Networks) -> list[Load]:
    return [partial(networks.load, period) for period in networks.world.sources]


def _few(data: Batches, count: int, classes: int) -> list[Batch]:
    """Give about so many samples in small batches, decoded, so that none is counted anew.

    Labels go through the classes in turn: what a peer keeps does not depend on them, but guarded mode
    trains on no labels of half the classes or fewer.
    """
    images, labels = next(in_order(data, count))
    labels = torch.arange(len(labels)) % classes
    rows = range(0, len(labels), BATCH)
    return [(images[row : row + BATCH], labels[row : row + BATCH]) for row in rows]
