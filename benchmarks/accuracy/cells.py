"""One cell: one peer in one setting with one seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.accuracy.corpus import CORPORA, Target
from benchmarks.accuracy.following import following
from benchmarks.accuracy.settings import FOLLOWING, Setting
from benchmarks.accuracy.worlds import ancestor, network, sources
from grasp_core.config import AbsorbConfig
from grasp_core.data.target import TargetData
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.peers.catalogue import PEERS
from grasp_core.peers.peer import Load, Task
from grasp_core.seed import derive
from tasks.studies.cell import Cell
from tasks.studies.measure import measure as take

EPOCHS, STEPS, BATCH = 20, 40, 32  # of a fine-tune: epochs, but at least so many steps


def measure(setting: Setting, peer: str, *, seed: int, cache: Path) -> Cell:
    """Let a peer meet all sources in the setting's order, measuring what it serves after each."""
    world = setting.world
    splits = CORPORA[world.corpus].target(budget=setting.budget, strength=world.strength, seed=seed)
    common = ancestor(world, seed=seed, cache=cache)
    competitor = PEERS[peer](replace(_task(setting, splits, seed=seed), ancestor=common))
    loads = (
        following(world, competitor, seed=seed, cache=cache)
        if world.sources in FOLLOWING
        else arrivals(setting, seed=seed, cache=cache)
    )
    measured = take(competitor, loads, [splits.test.samples()])
    return Cell(
        setting=setting.name,
        seed=seed,
        peer=peer,
        accuracies=tuple(row[0] for row in measured.matrix),
        gradient_passes=measured.gradient_passes,
        cpu_s=measured.cpu_s,
    )


def arrivals(setting: Setting, *, seed: int, cache: Path) -> list[Load]:
    """Give the sources' loaders in the order in which they arrive."""
    loads = sources(setting.world, seed=seed, cache=cache)
    if setting.order == "reverse":
        return loads[::-1]
    if setting.order == "shuffled":
        return [loads[number] for number in np.random.default_rng(seed).permutation(len(loads))]
    return loads


def _task(setting: Setting, splits: Target, *, seed: int) -> Task:
    train, val = splits.train.samples(), splits.val.samples()
    epochs = max(EPOCHS, -(-STEPS // -(-len(train) // BATCH)))
    return Task(
        build=lambda: network(setting.world, seed=derive(seed, "untrained")),
        data=TargetData(train, val),
        config=AbsorbConfig(lr=1e-3, epochs=epochs, initial_epochs=epochs, batch_size=BATCH, seed=seed),
        snapshots=MemorySnapshots(),
    )
