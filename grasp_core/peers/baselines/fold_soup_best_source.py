"""Fold soup of the best source: nothing transferred, fine-tuned over rotations of the labels."""

from dataclasses import replace

from grasp_core.peers.grasp import Grasp
from grasp_core.peers.peer import Task


class FoldSoupBestSource(Grasp):
    """Keep the source with the lowest cross-entropy on all labels, serve its fold soup.

    What guarded mode was before the refit, without a transfer. Costs the fold soup alone.
    Source: weight averaging of fine-tuned models, arXiv:2203.05482, over label rotations.
    """

    def __init__(self, task: Task) -> None:
        config = replace(task.config, mode="guarded", alphas=(0.0,), tuning="fold_soup")
        super().__init__(replace(task, config=config))
