"""Look at every target, or at the one that is named: a target that cannot be read hides no other."""

import os
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import typer

from tasks.bucket.store import Store
from tasks.errors import GraspError, InvalidDocument, NewerSchema, NotThere, StoreRefused
from tasks.journal.targets import target_names
from tasks.printable import printable

UNREADABLE = (InvalidDocument, NewerSchema, NotThere, StoreRefused)
T = TypeVar("T")


class Looked(NamedTuple, Generic[T]):
    """What was found, and why nothing was, by the name of the target."""

    found: dict[str, T]
    unreadable: dict[str, str]

    def warn(self) -> None:
        """Name each target that could not be read on a line of its own, beside what a program reads."""
        for name, why in self.unreadable.items():
            typer.echo(f"grasp: target {name} is left out: {why}", err=True)

    def end(self) -> None:
        """End with exit code 1 when there are targets and none could be read."""
        if self.unreadable and not self.found:
            raise typer.Exit(1)


def look_at(store: Store, target: str, look: Callable[[str], T]) -> Looked[T]:
    """Look at each target by name. Raises what `look` does for the one that is named, if one is."""
    if target:
        return Looked({target: look(target)}, {})
    found: dict[str, T] = {}
    unreadable: dict[str, str] = {}
    for name in target_names(store):
        try:
            found[name] = look(name)
        except UNREADABLE as error:
            unreadable[name] = printable(str(error))
        except GraspError:
            raise  # not about this target: the store is away, or what was asked for makes no sense
        except Exception as error:  # a fault of ours in one target must not hide the others
            if os.environ.get("GRASP_DEBUG"):
                raise
            said = printable(str(error), limit=200)
            unreadable[name] = f"a fault of grasp itself, {type(error).__name__}: {said}; see grasp --debug"
    return Looked(found, unreadable)
