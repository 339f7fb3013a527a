"""One absorb as published. Source: GRASP, arXiv:2606.14900."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from torch import nn

from grasp_core.absorbed import Absorbed
from grasp_core.alignment import align
from grasp_core.config import AbsorbConfig
from grasp_core.data.batches import Batches
from grasp_core.data.target import TargetData, shuffled, to_measure
from grasp_core.models.evaluate import evaluate
from grasp_core.models.loss import device_of
from grasp_core.models.snapshots import STEM, Snapshots, restored_on_error
from grasp_core.progress import Progress
from grasp_core.seed import generator, seeded
from grasp_core.serve import serve
from grasp_core.transfer import select, transfer

# cosine per tensor, given source, target and alignment batches
Score = Callable[[nn.Module, nn.Module, Batches], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class _Moved:
    scores: Mapping[str, float]
    scalars: int
    samples: int  # that the alignment saw


def absorb_reference(
    target: nn.Module,
    load_source: Callable[[], nn.Module],
    data: TargetData,
    *,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
    score: Score = align,
) -> Absorbed:
    """Copy the tensors whose gradients agree, then fine-tune; see absorb for the contract.

    score is exchanged by the controls of grasp_core.peers.
    """
    snapshots.save(STEM, target)
    with restored_on_error(STEM, target, snapshots):
        before = evaluate(target, to_measure(data.val, config.batch_size))
        moved = _move(target, load_source, data, config=config, progress=progress, score=score)
        progress.step("evaluate")
        after_transfer = evaluate(target, to_measure(data.val, config.batch_size))
    tuned = serve(target, data, epochs=config.epochs, config=config, snapshots=snapshots, progress=progress)
    snapshots.save(STEM, target)
    return Absorbed(
        mode="reference",
        choice="absorbed",
        alpha=None,
        scores=moved.scores,
        scalars_transferred=moved.scalars,
        scalars_total=sum(p.numel() for p in target.parameters()),
        before=before,
        after_transfer=after_transfer,
        after_fine_tune=tuned.last,
        epochs=tuned.epochs,
        kept=tuned.kept,
        gradient_passes=2 * moved.samples + tuned.gradient_passes,
        pieces=tuned.pieces,
    )


def _move(
    target: nn.Module,
    load_source: Callable[[], nn.Module],
    data: TargetData,
    *,
    config: AbsorbConfig,
    progress: Progress,
    score: Score,
) -> _Moved:
    """Align and transfer; the source is freed on return."""
    progress.step("load")
    source = load_source()
    progress.step("align")
    with seeded(config.seed, "align", device=device_of(target)):
        epoch = shuffled(data.train, config.batch_size, generator(config.seed, "align"))
        batches = list(islice(epoch, config.alignment_batches))
        scores = score(source, target, batches)
    progress.step("transfer")
    scalars = transfer(source, target, select(scores, threshold=config.threshold))
    return _Moved(scores, scalars, sum(len(labels) for _, labels in batches))
