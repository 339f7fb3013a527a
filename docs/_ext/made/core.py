"""The core's reference: every module of grasp_core, room by room."""

import pkgutil
from collections.abc import Iterator

import grasp_core

ROOMS = {
    "": "The absorb and its steps",
    "growth": "What a source does to the stem",
    "data": "Data",
    "models": "Models",
    "training": "Training",
    "ranks": "Several processes at one absorb",
    "peers": "Peers",
    "peers.baselines": "Peers that people would use instead",
    "peers.controls": "Peers that show what a step is worth",
    "peers.merges": "Peers that merge or ensemble",
    "peers.online": "Peers that merge one source after the other",
    "peers.trained": "Peers that learn how to merge",
}


def page() -> str:
    """Give the page, one section per room."""
    modules = {info.name for info in pkgutil.walk_packages(grasp_core.__path__, "grasp_core.")}
    lines = [
        "# Core: `grasp_core`",
        "",
        "From the docstrings of all modules. How they work together: [](../../howto/library.md).",
    ]
    for room, title in ROOMS.items():
        lines += ["", f"## {title}", *_room(f"grasp_core.{room}".rstrip("."), modules)]
    return "\n".join(lines) + "\n"


def _room(room: str, modules: set[str]) -> Iterator[str]:
    for module in sorted(modules):
        if module.rpartition(".")[0] == room and f"grasp_core.{room}" not in modules and not _is_room(module):
            yield from ("", f"### `{module}`", "", "```{eval-rst}", f".. automodule:: {module}")
            if module.endswith(".errors"):  # a tree
                yield "   :show-inheritance:"
            yield "```"


def _is_room(module: str) -> bool:
    return module.removeprefix("grasp_core.") in ROOMS
