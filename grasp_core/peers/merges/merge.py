"""What merges of weights share: take a source in, merge, recalibrate, fine-tune."""

import copy
from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from grasp_core.data.target import Labels
from grasp_core.models.batchnorm import recalibrate
from grasp_core.peers.merges.vectors import flat, with_parameters
from grasp_core.peers.peer import Load, Memory, Peer, Task


class Merge(Peer):
    """Serves the merge of all sources so far, batch norm measured anew on the labels, fine-tuned.

    Statistics of a merge of weights are no merge of statistics, so all merges measure them, as Average does.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.labels = Labels(task.data, task.config.batch_size)

    def meet(self, load_source: Load) -> int:
        """Take the source in, merge anew, fine-tune a copy."""
        passes = self.take(load_source())
        self.model = self.merged()
        recalibrate(self.model, self.labels)
        return passes + self.finish()

    def finish(self) -> int:
        """Fine-tune what is served with the whole budget; give gradient passes."""
        return self.tune(self.model)

    @abstractmethod
    def take(self, source: nn.Module) -> int:
        """Take in one more source; give gradient passes."""

    @abstractmethod
    def merged(self) -> nn.Module:
        """Give a new module with the merged weights."""


class VectorMerge(Merge):
    """ancestor + tau, where tau merges what each source has learned since the sources' common ancestor.

    Where the task names no ancestor, the first source stands in for it: tau is then what the others add.
    Source: task arithmetic, arXiv:2212.04089.
    """

    ancestor: nn.Module
    learned = False  # whether any source differs from the ancestor

    def meet(self, load_source: Load) -> int:
        """Find the ancestor before the first source."""
        if not hasattr(self, "ancestor"):
            self.ancestor = (self.task.ancestor or load_source)()
        return super().meet(load_source)

    def take(self, source: nn.Module) -> int:
        """Take in what the source has learned; nothing, when it is the ancestor."""
        vector = flat(source).sub_(flat(self.ancestor))
        if vector.any():
            self.learned = True
            self.add(vector)
        return 0

    def merged(self) -> nn.Module:
        """Add the merged vector to the ancestor."""
        if not self.learned:
            return copy.deepcopy(self.ancestor)
        return with_parameters(self.ancestor, self.merged_vector().add_(flat(self.ancestor)))

    @abstractmethod
    def add(self, vector: Tensor) -> None:
        """Take in one more task vector, of all parameters and not all 0; it is the peer's to keep."""

    @abstractmethod
    def merged_vector(self) -> Tensor:
        """Give the merge of the task vectors so far, as a new tensor."""


class KeptVectors(VectorMerge):
    """A merge that has to see all task vectors at once, and so keeps them."""

    memory: ClassVar[Memory] = "O(K)"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.vectors: list[Tensor] = []

    def add(self, vector: Tensor) -> None:
        """Keep the vector."""
        self.vectors.append(vector)
