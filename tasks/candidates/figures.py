"""Turn what a worker measured into the outcome that is kept, and into MLflow's metrics."""

from grasp_core.models.evaluate import Metrics
from grasp_core.seed import conditions
from tasks.arrivals.unit import Unit
from tasks.candidates.candidate import Candidate
from tasks.candidates.measure import Measured
from tasks.candidates.outcome import Outcome, Score, Scores, hits_of, stages, unit_key


def outcome_of(candidate: Candidate, unit: Unit, *, device: str) -> Outcome:
    """Collect the figures of an absorb that later decisions need."""
    absorbed, files = candidate.absorbed, candidate.files
    val = {
        "before": absorbed.before,
        "after_transfer": absorbed.after_transfer,
        "after_fine_tune": absorbed.after_fine_tune,
    }
    return Outcome(
        unit_key=unit_key(unit),
        mode=absorbed.mode,
        choice=absorbed.choice,
        alpha=absorbed.alpha,
        scalars_transferred=absorbed.scalars_transferred,
        scalars_total=absorbed.scalars_total,
        before=_scores(candidate.before) if candidate.before else None,
        after_transfer=_scores(candidate.after_transfer),
        after_fine_tune=_scores(candidate.after_fine_tune) if candidate.after_fine_tune else None,
        val_accuracy={name: metrics.accuracy for name, metrics in val.items() if metrics},
        seconds=candidate.seconds,
        peak_bytes=candidate.peak_bytes,
        environment=conditions() | {"device": device} | extras_of(candidate),
        images_per_s=_images_per_s(candidate),
        gpu=candidate.gpu,
        statistics=absorbed.statistics,
        served_sha256=files.served_sha256 if files else None,
        stem_sha256=files.stem_sha256 if files else None,
    )


def extras_of(candidate: Candidate) -> dict[str, str]:
    """Name what bits depend on beside the device: levers that change them, pieces of a batch, ranks."""
    pieces = candidate.absorbed.pieces
    named = {
        "levers": candidate.levers.name,
        "pieces": str(pieces) if pieces > 1 else "",
        "devices": str(candidate.devices) if candidate.devices > 1 else "",
    }
    return {name: value for name, value in named.items() if value}


def figures_of(outcome: Outcome) -> dict[str, float]:
    """Name the metrics of a run: plain `gate_accuracy` is that of the model which the absorb made, if any."""
    made = outcome.after_fine_tune
    figures = {
        "transferred_fraction": outcome.transferred_fraction,
        "scalars_transferred": float(outcome.scalars_transferred),
        **(_named(made, "") if made else {}),
        "seconds_total": sum(outcome.seconds.values()),
        **{f"seconds/{step}": seconds for step, seconds in outcome.seconds.items()},
        **{f"peak_bytes/{step}": float(size) for step, size in outcome.peak_bytes.items()},
        **{f"val_accuracy_{stage}": accuracy for stage, accuracy in outcome.val_accuracy.items()},
    }
    figures |= {f"gpu/{name}": value for name, value in outcome.gpu.items()}
    if outcome.images_per_s is not None:
        figures["images_per_second"] = outcome.images_per_s
    if outcome.alpha is not None:
        figures["alpha"] = outcome.alpha
    if outcome.statistics is not None:
        figures["statistics_of_labels"] = outcome.statistics
    for stage, scores in stages(outcome).items():
        figures |= _named(scores, f"_{stage.replace(' ', '_').replace('-', '_')}")
    return figures


def _images_per_s(candidate: Candidate) -> float | None:
    """Give the images that the fine-tune trained on per second, its evaluations included."""
    seconds = candidate.seconds.get("fine_tune", 0.0)
    return round(candidate.absorbed.gradient_passes / seconds, 3) if seconds > 0 else None


def _named(scores: Scores, suffix: str) -> dict[str, float]:
    return {
        f"gate_accuracy{suffix}": scores.gate.accuracy,
        f"test_accuracy{suffix}": scores.test.accuracy,
        f"gate_loss{suffix}": scores.gate.loss,
        f"test_loss{suffix}": scores.test.loss,
    }


def _scores(measured: Measured) -> Scores:
    return Scores(gate=_score(measured.gate), test=_score(measured.test), gate_hits=hits_of(measured.correct))


def _score(metrics: Metrics) -> Score:
    return Score(accuracy=metrics.accuracy, loss=metrics.loss, samples=metrics.samples)
