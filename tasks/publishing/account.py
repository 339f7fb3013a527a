"""What a conversion did, in lines for the person who publishes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it brings torch
    from tasks.weights.convert import Converted

TOLD = 5  # names that are told one by one


def account(file: Path, done: "Converted") -> Iterator[str]:
    """Say what was taken, what else could have been, what was left out and what was made."""
    chosen = done.chosen
    taken = f", state dict {chosen.nest} taken" if chosen.nest else ""
    stripped = f", prefix {chosen.prefix} stripped" if chosen.prefix else ""
    yield f"converted {file}{taken}{stripped}"
    for other in chosen.others:
        yield f"the file holds the model in {other or 'itself'}, too: --state-dict {other!r} takes that one"
    for copy in chosen.copies:
        yield f"a copy of the model under {copy!r} was left out: --prefix {copy!r} takes that one"
    beside = [name for name in chosen.dropped if not (chosen.copies and name.startswith(chosen.copies))]
    if beside:
        yield f"left out, beside the model: {', '.join(beside[:TOLD])}{' ...' * (len(beside) > TOLD)}"
    if done.doubles:
        yield f"{done.doubles} tensors were float64 and became float32"
    if chosen.absent:
        yield f"{len(chosen.absent)} counters num_batches_tracked were not there and became 0"
