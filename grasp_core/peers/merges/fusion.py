"""Fusion: the mean of the sources' state dicts, as GRASP's paper describes its fusion baseline."""

from torch import nn

from grasp_core.peers.merges.average import Average


class Fusion(Average):
    """Mean of all tensors of the state dicts, batch-norm statistics too, in a stream; then fine-tuned.

    Two models, one fine-tune per source. Source: GRASP, arXiv:2606.14900, "model fusion" baseline.
    """

    def prepare(self, model: nn.Module) -> None:
        """Keep the mean of the statistics."""
