"""What each gate policy does over 200 arrivals of which 20 % are harmful; no training, only the gate.

A model is who it gets right in a population whose first samples are the gate split. A harmless arrival moves
the champion's accuracy by a small normal step, a harmful one takes 2 to 10 points away.
"""

from typing import Any, NamedTuple

import numpy as np

from tasks.candidates.gate import Correct, Judged, Reference, judge
from tasks.contracts.target import GateSettings

ARRIVALS, HARMFUL, SEEDS = 200, 0.2, 20
POPULATION = 20_000  # samples that tell a model's true accuracy
START, CEILING = 0.85, 0.99
STEP_SD = 0.004  # of a harmless arrival's true effect, which has mean +0.001
HARM = (0.02, 0.10)
AGREEMENT = 0.7  # share of samples on which a candidate decides as its parent did, besides what changed
SPLITS = (100, 500, 2_000)  # gate samples
SOUND = 0.5  # every model's loss here: this is about accuracy
POLICIES = ("always", "non_inferior", "improves")


class Model(NamedTuple):
    """A model: right or wrong per sample of the population; the first ones are the gate split."""

    right: Correct

    @property
    def accuracy(self) -> float:
        """Give its accuracy on the whole population."""
        return float(self.right.mean())

    def gate(self, samples: int) -> Correct:
        """Give what the gate sees."""
        return self.right[:samples]


def measure() -> list[dict[str, Any]]:
    """Give one row per policy and size of the gate split: means over seeds, accuracies in points."""
    return [
        {"policy": policy, "gate_samples": samples}
        | _mean([history(policy, samples=samples, seed=s) for s in range(SEEDS)])
        for samples in SPLITS
        for policy in POLICIES
    ]


def history(policy: str, *, samples: int, seed: int, arrivals: int = ARRIVALS) -> dict[str, float]:
    """Let a target live through its arrivals; counts, and how far its accuracy drifted from the first."""
    chance, settings = np.random.default_rng(seed), GateSettings.model_validate({"policy": policy})
    champion = best = first = Model(chance.random(POPULATION) < START)
    promoted = worse = harmful_in = harmful_seen = 0
    for _ in range(arrivals):
        harmful = chance.random() < HARMFUL
        candidate = _candidate(champion, harmful=harmful, chance=chance)
        verdict = judge(
            settings,
            Judged(correct=candidate.gate(samples), loss=SOUND, classes=2),
            champion=_reference(1, champion, samples),
            best=_reference(2, best, samples) if best is not champion else None,
        )
        harmful_seen += harmful
        if verdict.decision != "promoted":
            continue
        promoted += 1
        worse += candidate.accuracy < champion.accuracy
        harmful_in += harmful
        champion = candidate
        if champion.gate(samples).mean() > best.gate(samples).mean():
            best = champion
    return {
        "promoted": promoted,
        "worse_promoted": worse,
        "harmful": harmful_seen,
        "harmful_promoted": harmful_in,
        "drift_points": 100 * (champion.accuracy - first.accuracy),
    }


def _reference(version: int, model: Model, samples: int) -> Reference:
    return Reference(registry_version=version, correct=model.gate(samples), loss=SOUND)


def _candidate(parent: Model, *, harmful: bool, chance: np.random.Generator) -> Model:
    """Make a child whose expected accuracy differs from its parent's by the drawn effect."""
    effect = -chance.uniform(*HARM) if harmful else chance.normal(0.001, STEP_SD)
    aim = float(np.clip(parent.accuracy + effect, 0.05, CEILING))
    # Besides the effect, a fine-tune trades some samples for others: who is right changes, how many does not.
    churn = (1 - AGREEMENT) * min(aim, 1 - aim)
    lost = max(parent.accuracy - aim, 0.0) + churn
    gained = max(aim - parent.accuracy, 0.0) + churn
    draw = chance.random(POPULATION)
    stays = draw >= lost / parent.accuracy
    comes = draw < gained / max(1 - parent.accuracy, 1e-9)
    return Model(np.where(parent.right, stays, comes))


def _mean(histories: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([h[name] for h in histories])), 2) for name in histories[0]} | {
        "worst_drift_points": round(min(h["drift_points"] for h in histories), 2)
    }
