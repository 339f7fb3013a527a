"""Best source: keep the one that does best on the validation labels."""

from grasp_core.data.target import to_measure
from grasp_core.models.evaluate import evaluate
from grasp_core.peers.peer import Load, Peer, Task


class BestSource(Peer):
    """Fine-tune a source when its validation loss, as published, is the lowest so far; skip all others.

    What people would do instead of GRASP. One model, at most one fine-tune per source.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.lowest = float("inf")

    def meet(self, load_source: Load) -> int:
        """Become the source, fine-tuned, if it beats all before."""
        source = load_source()
        loss = evaluate(source, to_measure(self.task.data.val, self.task.config.batch_size)).loss
        if loss >= self.lowest:
            return 0
        self.lowest = loss
        self.model.load_state_dict(source.state_dict())
        del source  # not beside the fine-tune
        return self.tune(self.model)
