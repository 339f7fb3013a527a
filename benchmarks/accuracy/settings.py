"""The settings of the benchmark: which sources come, in which order, for which target, and who competes."""

from dataclasses import dataclass, replace
from typing import Literal

from grasp_core.peers.catalogue import PEERS

Order = Literal["chronological", "reverse", "shuffled"]
# plain: sources descend from one base. corrupted: one of them learned wrong labels.
# independent: each has its own initial weights. partial: each has seen four of the classes only.
# chained: each goes on from the one before it. from_served: each goes on from what the peer serves by then,
# from_stem: from what the peer has by then that its labels have not trained. In both each peer has sources of
# its own, which come in the order of their periods.
Sources = Literal["plain", "corrupted", "independent", "partial", "chained", "from_served", "from_stem"]
FOLLOWING = ("from_served", "from_stem")


@dataclass(frozen=True, slots=True)
class World:
    """All that decides the weights of the sources, beside the seed."""

    corpus: str
    strength: float  # of the drift
    k: int = 4  # how many sources
    sources: Sources = "plain"


@dataclass(frozen=True, slots=True)
class Setting:
    """One world, one order of arrival, one budget of labels, and who competes in it."""

    world: World
    order: Order
    budget: int
    peers: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name the setting as tables and the ledger do."""
        world = self.world
        return f"{world.corpus} S{world.strength:g} K{world.k} {world.sources} {self.order} B{self.budget}"


# what others have published; see docs/peers.md
RELATED = (
    *("ema", "atlas", "ode_m", "pearl", "logit_fusion"),
    *("fisher", "pcb", "opcm", "doge", "ties", "bmm"),
)
ALL = tuple(peer for peer in PEERS if peer not in RELATED)
KEY = ("guarded", "refit_best_source", "fold_soup_best_source", "best_source")
ORDERED = (*KEY, "published", "no_transfer", "last_source")
ORDERS: tuple[Order, ...] = ("chronological", "shuffled")

CLAIM = tuple(
    Setting(World("digits", strength), order, 60, ALL) for strength in (1.0, 2.0) for order in ORDERS
)
# where guarded may not be worse than best_source
NOT_WORSE = (
    Setting(World("digits", 0.0), "chronological", 60, KEY),
    Setting(World("digits", 3.0), "chronological", 60, KEY),
    Setting(World("digits", 2.0), "chronological", 20, KEY),
    Setting(World("digits", 2.0), "chronological", 200, KEY),
    Setting(World("digits", 2.0), "reverse", 60, ORDERED),
    Setting(World("digits", 2.0, sources="corrupted"), "shuffled", 60, KEY),
    Setting(World("digits", 1.0, sources="independent"), "chronological", 60, KEY),
    Setting(World("digits", 2.0, k=8), "chronological", 60, ORDERED),
)
SECOND_TASK = tuple(Setting(World("photos", 2.0), order, 60, ORDERED) for order in ORDERS)
# where transfer itself matters: no single source will do
PARTIAL = (
    Setting(
        World("digits", 1.0, k=8, sources="partial"),
        "chronological",
        60,
        ("guarded", "tensor_steps", "random_steps", "sign_agreement", "random_mask", *KEY[1:], "average"),
    ),
)
# where sources start: beside S 2, K 8 above, whose sources all start from one base
STARTS = (
    *(
        Setting(World("digits", 2.0, k=8, sources=sources), "chronological", 60, (*KEY, "last_source"))
        for sources in ("chained", "from_served")
    ),
    Setting(
        World("digits", 2.0, k=8, sources="from_stem"), "chronological", 60, ("guarded", "refit_best_source")
    ),
)
FULL = CLAIM + NOT_WORSE + PARTIAL + STARTS + SECOND_TASK
# settings of the others, so that the same ledger holds them side by side
RELATED_WORK = tuple(replace(setting, peers=RELATED) for setting in CLAIM + PARTIAL)
RELATED_QUICK = (
    Setting(World("digits", 1.0), "shuffled", 60, (*KEY, "average", "ensemble_fine_tuned", *RELATED)),
    replace(PARTIAL[0], peers=(*PARTIAL[0].peers, *RELATED)),
)
QUICK = (
    Setting(World("digits", 1.0), "shuffled", 60, ALL),
    Setting(World("photos", 2.0), "shuffled", 60, KEY),
)
