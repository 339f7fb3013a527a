"""The gate: may a candidate become champion? Pure; sees who is right on the gate split, and the loss."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tasks.contracts.dataset import SMALL_SPLIT
from tasks.contracts.journal import Decision, ReasonCode
from tasks.contracts.target import GateSettings

# A mean loss of so many times what guessing costs is no matter of calibration: numbers have run away.
# docs/explanation/gate.md tells what healthy candidates come to.
ABSURD = 20.0

Correct = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A version that the candidate is held against; correct: one bool per gate sample, loss: the mean."""

    registry_version: int
    correct: Correct
    loss: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the gate says, with the figures that it says it from."""

    decision: Decision
    code: ReasonCode
    found: str
    needed: str
    figures: dict[str, float] = field(default_factory=dict)


def p_worse(candidate: Correct, reference: Correct) -> float:
    """Give the one-sided p-value of "the candidate is not worse": exact McNemar, small means worse.

    candidate, reference: bool per sample, the same samples. Value in (0, 1]; 1.0 when they never differ.
    Source: McNemar 1947, exact binomial form over the discordant samples.
    """
    lost = int(np.sum(reference & ~candidate))
    won = int(np.sum(candidate & ~reference))
    if lost + won == 0:
        return 1.0
    from scipy.stats import binomtest  # half a second, which an absorb need not wait for before it trains

    return float(binomtest(lost, lost + won, 0.5, alternative="greater").pvalue)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A candidate on the gate split: one bool per sample, the mean cross-entropy, how many classes."""

    correct: Correct
    loss: float
    classes: int


def loss_limit(classes: int, *, champion: float | None) -> float:
    """Give the gate loss above which a candidate is refused whatever its accuracy.

    Guessing costs log(classes). champion: its loss on the same samples; nothing that is no worse than what
    serves now is refused for its loss. A limit in multiples of the champion's would ratchet up.
    """
    return max(ABSURD * math.log(classes), champion or 0.0)


def judge(
    settings: GateSettings, judged: Judged, *, champion: Reference | None, best: Reference | None
) -> Verdict:
    """Decide on a candidate against the champion and the best earlier champion of the lineage.

    No champion: the first target is promoted. A loss that is absurd, or no number, is refused under every
    policy: accuracy does not see that the numbers have run away.
    Source: DESIGN section 5, "Gate".
    """
    candidate = judged.correct
    accuracy = float(np.mean(candidate))
    figures = {"gate_accuracy": accuracy, "gate_samples": float(candidate.size)}
    limit = loss_limit(judged.classes, champion=champion.loss if champion else None)
    if not judged.loss <= limit:  # also where it is no number
        return _absurd(judged, limit, champion, figures)
    if champion is None:
        return _verdict("promoted", "first", accuracy, "no champion before it", figures)
    figures |= _against(candidate, champion, "champion")
    if best is not None:
        figures |= _against(candidate, best, "best")
    match settings.policy:  # mypy refuses a policy without a rule
        case "always":
            return _verdict("promoted", "always", accuracy, "nothing: the policy is always", figures)
        case "manual":
            return _verdict("parked", "manual", accuracy, "a person's word: grasp promote", figures)
        case "improves":
            return _improves(settings, accuracy, figures)
        case "non_inferior":
            return _non_inferior(settings, accuracy, figures, has_best=best is not None)


def _absurd(judged: Judged, limit: float, champion: Reference | None, figures: dict[str, float]) -> Verdict:
    accuracy, beside = figures["gate_accuracy"], f"; the champion has {champion.loss:.4g}" if champion else ""
    return Verdict(
        decision="rejected",
        code="absurd_loss",
        found=f"gate loss {judged.loss:.4g} (gate accuracy {accuracy:.4f}): its numbers have run away",
        needed=f"at most {limit:.4g}, {ABSURD:g} times what guessing costs{beside}",
        figures=figures | {"gate_loss_limit": limit},
    )


def _against(candidate: Correct, reference: Reference, name: str) -> dict[str, float]:
    return {
        f"{name}_version": float(reference.registry_version),
        f"{name}_gate_accuracy": float(np.mean(reference.correct)),
        f"p_worse_than_{name}": p_worse(candidate, reference.correct),
        f"p_better_than_{name}": p_worse(reference.correct, candidate),
    }


def _improves(settings: GateSettings, accuracy: float, figures: dict[str, float]) -> Verdict:
    p_value, level = figures["p_better_than_champion"], 1 - settings.confidence
    champion = figures["champion_gate_accuracy"]
    needed = f"better than champion {champion:.4f} with p below {level:.3g} (p {p_value:.3g})"
    if p_value < level:
        return _verdict("promoted", "better", accuracy, needed, figures)
    return _verdict("rejected", "not_better", accuracy, needed, figures)


def _non_inferior(
    settings: GateSettings, accuracy: float, figures: dict[str, float], *, has_best: bool
) -> Verdict:
    level = 1 - settings.confidence
    codes: dict[str, ReasonCode] = {"champion": "worse_than_champion"}
    if has_best:
        codes["best"] = "worse_than_best"
    for name, code in codes.items():
        floor = figures[f"{name}_gate_accuracy"] - settings.margin
        p_value = figures[f"p_worse_than_{name}"]
        if accuracy < floor - 1e-12:
            needed = f"at least {floor:.4f} ({name} {floor + settings.margin:.4f} less {settings.margin:g})"
            return _verdict("rejected", code, accuracy, needed, figures)
        if p_value < level:
            needed = f"not significantly worse than {name}: p at least {level:.3g} (p {p_value:.3g})"
            return _verdict("rejected", code, accuracy, needed, figures)
    floor = figures["champion_gate_accuracy"] - settings.margin
    return _verdict("promoted", "non_inferior", accuracy, f"at least {floor:.4f}", figures)


def _verdict(
    decision: Decision, code: ReasonCode, accuracy: float, needed: str, figures: dict[str, float]
) -> Verdict:
    samples = int(figures["gate_samples"])
    warning = f" (only {samples}: little evidence)" if samples < SMALL_SPLIT else ""
    found = f"gate accuracy {accuracy:.4f} on {samples} samples{warning}"
    return Verdict(decision=decision, code=code, found=found, needed=needed, figures=figures)
