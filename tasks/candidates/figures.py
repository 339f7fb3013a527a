"""Turn what a worker measured into the outcome that is kept, and into MLflow's metrics."""

from grasp_core.models.evaluate import Metrics
from grasp_core.seed import conditions
from tasks.arrivals.unit import Unit
from tasks.candidates.absorb import Candidate
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
        environment=conditions() | {"device": device},
        statistics=absorbed.statistics,
        served_sha256=files.served_sha256 if files else None,
        stem_sha256=files.stem_sha256 if files else None,
    )


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
    if outcome.alpha is not None:
        figures["alpha"] = outcome.alpha
    if outcome.statistics is not None:
        figures["statistics_of_labels"] = outcome.statistics
    for stage, scores in stages(outcome).items():
        figures |= _named(scores, f"_{stage.replace(' ', '_').replace('-', '_')}")
    return figures


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
