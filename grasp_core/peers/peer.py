"""What every competitor is: it meets sources one by one and serves a model after each."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from torch import nn

from grasp_core.config import AbsorbConfig
from grasp_core.data.target import TargetData
from grasp_core.models.snapshots import Snapshots
from grasp_core.training.finetune import fine_tune

Load = Callable[[], nn.Module]
Memory = Literal["O(1)", "O(K)"]  # in the number of sources met


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a peer is given: the target's labels, its budget of epochs and a place for snapshots.

    build gives an untrained module of the target's architecture. All peers fine-tune with the same config.
    ancestor, where it is known, gives the module that all sources were trained from; merges of task vectors
    count from it.
    """

    build: Load
    data: TargetData
    config: AbsorbConfig
    snapshots: Snapshots
    ancestor: Load | None = None


class Peer(ABC):
    """One way to use sources. Subclasses say in their docstring what it is, its source and its cost."""

    memory: ClassVar[Memory] = "O(1)"

    def __init__(self, task: Task) -> None:
        self.task = task
        self.model: nn.Module = task.build()  # the one that people would be served

    @abstractmethod
    def meet(self, load_source: Load) -> int:
        """Take in one more source, so that model is what would be served now; give gradient passes."""

    def start(self) -> nn.Module:
        """Give what the next source may go on from: what would be served now, if nothing else."""
        return self.model

    def tune(self, model: nn.Module, *, epochs: int | None = None, lr: float | None = None) -> int:
        """Fine-tune in place, lowest validation loss kept; give gradient passes.

        epochs: the whole budget by default; lr: the config's by default.
        """
        config = self.task.config.fine_tuning(epochs=epochs or self.task.config.epochs)
        tuned = fine_tune(
            model,
            self.task.data.train,
            self.task.data.val,
            config=replace(config, lr=lr or config.lr),
            snapshots=self.task.snapshots,
        )
        return tuned.gradient_passes
