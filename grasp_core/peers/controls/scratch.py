"""Scratch: no source at all."""

from grasp_core.peers.peer import Load, Peer, Task


class Scratch(Peer):
    """Train an untrained model on the target's labels, once; says what the sources are worth."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.trained = False

    def meet(self, load_source: Load) -> int:
        """Train at the first call; later ones change nothing."""
        if self.trained:
            return 0
        self.trained = True
        return self.tune(self.model)
