"""How long what is left will take, judged by what was done."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["source", "cell", "peak"]


class Step(NamedTuple):
    """One piece of work; name: a network's, or a peer's."""

    kind: Kind
    architecture: str
    seed: int
    name: str


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that steps took; the more alike the step, the more it says."""

    took: dict[tuple[str, ...], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, step: Step, seconds: float) -> None:
        """Learn from a step."""
        for key in _keys(step):
            self.took[key].append(seconds)

    def left_s(self, steps: Iterable[Step]) -> float | None:
        """Estimate what these steps take; None as long as no step was done."""
        known = [self._of(step) for step in steps]
        found = [seconds for seconds in known if seconds is not None]
        return sum(found) if len(found) == len(known) else None

    def _of(self, step: Step) -> float | None:
        for key in _keys(step):
            if seconds := self.took.get(key):
                return sum(seconds) / len(seconds)
        return None


def _keys(step: Step) -> tuple[tuple[str, ...], ...]:
    return (
        (step.kind, step.architecture, step.name),
        (step.kind, step.architecture),
        (step.kind,),
        (),
    )


def in_words(seconds: float | None) -> str:
    """Say a duration as a person does."""
    if seconds is None:
        return "how long is not known yet"
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 90 else f"about {minutes // 60} h {minutes % 60} min left"
