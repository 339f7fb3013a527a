"""Find the model among the tensors of a checkpoint: which state dict, which prefix, what else there is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from tasks.errors import InvalidCheckpoint
from tasks.printable import printable

NESTS = ("state_dict", "model_state_dict", "model_state", "model", "module", "network", "net", "weights")
COUNTER = "num_batches_tracked"  # of batch norm, which old checkpoints lack; it changes no prediction
STATISTICS = ("running_mean", "running_var", COUNTER)  # which copies of the parameters may do without

State = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The model's tensors by the architecture's names, and what was chosen and left out on the way.

    nest, others: the state dict taken and those beside it ("" is the file itself). copies: prefixes of other
    copies of the model. dropped: tensors beside the model. absent: counters that the file lacks.
    """

    tensors: State
    nest: str
    others: tuple[str, ...]
    prefix: str
    copies: tuple[str, ...]
    dropped: tuple[str, ...]
    absent: tuple[str, ...]


def choose(
    loaded: Any,
    needed: Collection[str],
    path: Path,
    *,
    architecture: str,
    prefix: str | None,
    nest: str | None,
) -> Chosen:
    """Choose the state dict and the prefix, by the person's word or because only one fits.

    Raises InvalidCheckpoint that names what was found.
    """
    found = _state_dicts(loaded, path)
    name = _nest(found, nest, needed, path)
    state = found[name]
    fits = _prefixes(state, needed, without=(COUNTER,))
    chosen = _prefix(fits, path) if prefix is None else prefix
    under = {key.removeprefix(chosen): tensor for key, tensor in state.items() if key.startswith(chosen)}
    absent = tuple(each for each in needed if each not in under)
    missing = [each for each in absent if not each.endswith(COUNTER)]
    if missing:
        there = f"; the model lies under {', '.join(map(repr, fits))}" if fits else ""
        raise InvalidCheckpoint(
            f"{path}: {len(missing)} tensors of {architecture} are missing ({_some(missing)}) among "
            f"{len(under)} under prefix {chosen!r}{there}; nothing was converted"
        )
    copies = tuple(each for each in _prefixes(state, needed, without=STATISTICS) if each != chosen)
    below = tuple(each.removeprefix(chosen) for each in copies if each.startswith(chosen))
    odd = [each for each in under if each not in needed and not (below and each.startswith(below))]
    if odd:
        raise InvalidCheckpoint(
            f"{path}: holds {len(odd)} tensors that {architecture} does not have ({_some(odd)}); "
            "nothing was converted"
        )
    taken = {chosen + each for each in needed}
    return Chosen(
        tensors={each: under[each] for each in needed if each in under},
        nest=name,
        others=tuple(each for each in found if each != name and _prefixes(found[each], needed, (COUNTER,))),
        prefix=chosen,
        copies=copies,
        dropped=tuple(each for each in state if each not in taken),
        absent=absent,
    )


def _state_dicts(loaded: Any, path: Path) -> dict[str, State]:
    """Give every map of names to tensors: those one level down by their names, the file itself as ""."""
    if isinstance(loaded, Mapping):
        states = {str(name): _tensors(value) for name, value in loaded.items() if isinstance(value, Mapping)}
        found: dict[str, State] = {name: state for name, state in states.items() if state}
        own = _tensors(loaded)
        if own:
            found[""] = own
        if found:
            return found
    raise InvalidCheckpoint(
        f"{path}: holds {type(loaded).__name__}, needs a state_dict (names to tensors), or one under "
        f"{', '.join(NESTS[:3])}; nothing was converted"
    )


def _tensors(values: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {str(name): value for name, value in values.items() if isinstance(value, Tensor)}


def _nest(found: Mapping[str, State], asked: str | None, needed: Collection[str], path: Path) -> str:
    if asked is not None and asked not in found:
        raise InvalidCheckpoint(
            f"{path}: has no state dict {asked!r}; it has {', '.join(map(repr, found))}; nothing was "
            "converted"
        )
    if asked is not None:
        return asked
    usual = [name for name in (*NESTS, "", *found) if name in found]
    return next((name for name in usual if _prefixes(found[name], needed, (COUNTER,))), usual[0])


def _prefixes(state: State, needed: Collection[str], without: tuple[str, ...]) -> list[str]:
    """Give the prefixes under which the whole model lies, but for tensors with such ends; shortest first."""
    wanted = [name for name in needed if not name.endswith(without)]
    anchor = min(wanted, key=len)
    starts = {name.removesuffix(anchor) for name in state if name.endswith(anchor)}
    return sorted((start for start in starts if all(start + name in state for name in wanted)), key=len)


def _prefix(fits: list[str], path: Path) -> str:
    if len(fits) > 1:
        raise InvalidCheckpoint(
            f"{path}: holds the model {len(fits)} times, under {', '.join(map(repr, fits))}; say which with "
            "--prefix; nothing was converted"
        )
    return fits[0] if fits else ""


def _some(names: list[str]) -> str:
    return printable(", ".join(names[:3]) + (", ..." if len(names) > 3 else ""), limit=300)
