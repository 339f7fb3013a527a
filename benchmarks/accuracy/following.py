"""Sources that each go on from what a peer has by then: a world for each peer, decided as it goes."""

import copy
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.accuracy.corpus import CORPORA
from benchmarks.accuracy.settings import World
from benchmarks.accuracy.worlds import ancestor, learn, training_of
from grasp_core.peers.peer import Load, Peer
from grasp_core.seed import derive


def following(world: World, peer: Peer, *, seed: int, cache: Path) -> Iterator[Load]:
    """Give one loader per source, in the order of their periods; ask for the next when the peer met this one.

    Each goes on from what the peer serves, in a world "from_stem" from what it has that no label trained; the
    first goes on from the network that sources of other worlds descend from.
    """
    common = ancestor(world, seed=seed, cache=cache)
    if common is None:
        raise ValueError(f"{world}: has no network that sources descend from")
    start = common()
    for number in range(1, world.k + 1):
        period = CORPORA[world.corpus].source(number, of=world.k, strength=world.strength, seed=seed)
        model = copy.deepcopy(start)
        learn(model, period, training_of(world), seed=derive(seed, "source", number))
        yield partial(copy.deepcopy, model)
        start = peer.start() if world.sources == "from_stem" else peer.model
