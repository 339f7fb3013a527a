"""Last source: forget all others."""

from grasp_core.peers.peer import Load, Peer


class LastSource(Peer):
    """Fine-tune each new source from its own weights; one model, one fine-tune per source."""

    def meet(self, load_source: Load) -> int:
        """Become the source, fine-tuned."""
        self.model.load_state_dict(load_source().state_dict())
        return self.tune(self.model)
