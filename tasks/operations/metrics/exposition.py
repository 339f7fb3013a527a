"""What was found at a look, as Prometheus reads it. docs/operations/metrics.md explains every name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tasks.arrivals.arrival import Waiting
from tasks.contracts.journal import Decision
from tasks.operations.metrics.history import BOUNDS_S
from tasks.operations.metrics.look import Facts, TargetFacts

REASONS: tuple[str, ...] = ("ready", "refused", *get_args(Waiting))
DECISIONS: tuple[str, ...] = get_args(Decision)
BY_TARGET = ["target"]


class Exposition(Collector):
    """Gives the facts of the newest look; before the first it has nothing to say."""

    def __init__(self) -> None:
        self.facts: Facts | None = None

    def collect(self) -> Iterator[Metric]:
        """Give every metric, as the registry asks for it."""
        if self.facts is not None:
            yield from _of_the_whole(self.facts)
            yield from _of_targets(self.facts.targets)


def text_of(facts: Facts) -> str:
    """Give the metrics of one look in the text format."""
    registry, exposition = CollectorRegistry(), Exposition()
    exposition.facts = facts
    registry.register(exposition)
    return generate_latest(registry).decode()


def _of_the_whole(facts: Facts) -> Iterator[Metric]:
    yield _one("grasp_bucket_up", "1 while the bucket answers", facts.bucket_up)
    yield _one("grasp_look_seconds", "what the newest look at all targets took", facts.seconds)
    yield _one("grasp_targets_unreadable", "targets that could not be read", facts.unreadable)
    if facts.prefect_up is None:
        return
    yield _one("grasp_prefect_up", "1 while the Prefect API answers", facts.prefect_up)
    if facts.prefect_up:
        ended = facts.last_watch.timestamp() if facts.last_watch else 0
        yield _one("grasp_watch_last_end_timestamp_seconds", "when a watch last ended well; 0: never", ended)


def _of_targets(targets: Sequence[TargetFacts]) -> Iterator[Metric]:
    yield _each("grasp_target_paused", "1 while nothing is absorbed", {t.name: t.paused for t in targets})
    yield _each("grasp_target_behind", "1 while MLflow lags the journal", {t.name: t.behind for t in targets})
    yield _each("grasp_journal_entries", "entries of the journal", {t.name: t.entries for t in targets})
    oldest = {t.name: t.oldest_s for t in targets}
    yield _each("grasp_open_arrival_oldest_seconds", "age of the oldest open arrival", oldest)
    yield _table("grasp_open_arrivals", "arrivals without a decision", targets, "reason")
    yield _table("grasp_decisions", "decisions that count now", targets, "decision")
    attempts = CounterMetricFamily("grasp_attempts", "absorbs that were begun", labels=BY_TARGET)
    seconds = HistogramMetricFamily("grasp_absorb_seconds", "from attempt to decision", labels=BY_TARGET)
    for target in targets:
        attempts.add_metric([target.name], target.history.attempts)
        seconds.add_metric([target.name], _buckets(target), target.history.absorb_seconds)
    yield from (attempts, seconds)
    yield from _of_champions({t.name: t for t in targets if t.champion})


def _of_champions(targets: dict[str, TargetFacts]) -> Iterator[Metric]:
    champions = {name: facts.champion for name, facts in targets.items() if facts.champion}
    versions = {name: champion.version for name, champion in champions.items()}
    since = {name: each.since.timestamp() for name, each in champions.items() if each.since}
    gate = {name: each.gate_accuracy for name, each in champions.items() if each.gate_accuracy is not None}
    test = {name: each.test_accuracy for name, each in champions.items() if each.test_accuracy is not None}
    yield _each("grasp_champion_version", "registered version that is champion", versions)
    yield _each("grasp_champion_since_timestamp_seconds", "when the champion last moved", since)
    yield _each("grasp_champion_gate_accuracy", "its accuracy on the gate split", gate)
    yield _each("grasp_champion_test_accuracy", "its accuracy on the test split, when decided", test)


def _one(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=float(value))


def _each(name: str, about: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=BY_TARGET)
    for target, value in values.items():
        family.add_metric([target], float(value))
    return family


def _table(name: str, about: str, targets: Sequence[TargetFacts], label: str) -> Metric:
    """Give a number for every target and label, zeros too, so that a rate has something to start from."""
    family = GaugeMetricFamily(name, about, labels=[*BY_TARGET, label])
    for target in targets:
        counts, known = (target.open, REASONS) if label == "reason" else (target.decisions, DECISIONS)
        for each in known:
            family.add_metric([target.name, each], counts[each])
    return family


def _buckets(target: TargetFacts) -> list[tuple[str, float]]:
    """Give cumulative counts by upper bound, as a histogram has them."""
    found, so_far = [], 0
    for bound, count in zip((*BOUNDS_S, "+Inf"), target.history.absorbs, strict=True):
        so_far += count
        found.append((str(bound), float(so_far)))
    return found
