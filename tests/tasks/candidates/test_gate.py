"""The gate, case by case, against counts done by hand."""

import math

import numpy as np
import pytest

from tasks.candidates.gate import ABSURD, Judged, Reference, Verdict, loss_limit, p_worse
from tasks.candidates.gate import judge as judge_whole
from tasks.contracts.target import GateSettings

NON_INFERIOR = GateSettings()


def right(count: int, of: int = 200, first: int = 0) -> np.ndarray:
    """Samples first .. first + count - 1 are right."""
    hits = np.zeros(of, dtype=bool)
    hits[first : first + count] = True
    return hits


def champion(correct: np.ndarray, *, loss: float = 0.5) -> Reference:
    return Reference(registry_version=3, correct=correct, loss=loss)


def judge(settings: GateSettings, correct: np.ndarray, *, loss: float = 0.5, **against) -> Verdict:
    return judge_whole(settings, Judged(correct=correct, loss=loss, classes=10), **against)


@pytest.mark.parametrize(
    ("lost", "won", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (5, 0, 1 / 32),
        (4, 1, 6 / 32),  # (C(5,4) + C(5,5)) / 2^5
        (0, 5, 1.0),
        (2, 2, 11 / 16),  # (6 + 4 + 1) / 2^4
        (8, 2, 56 / 1024),
    ],
)
def test_the_one_sided_exact_mcnemar_counts_only_samples_that_differ(lost: int, won: int, p_value: float):
    both = 50
    reference = np.array([True] * both + [True] * lost + [False] * won + [False] * 7)
    candidate = np.array([True] * both + [False] * lost + [True] * won + [False] * 7)
    assert p_worse(candidate, reference) == pytest.approx(p_value)


def test_the_first_target_is_promoted_whatever_it_does():
    verdict = judge(NON_INFERIOR, right(0), champion=None, best=None)
    assert (verdict.decision, verdict.code) == ("promoted", "first")


@pytest.mark.parametrize(
    ("hits", "decision"),
    [(160, "promoted"), (170, "promoted"), (158, "promoted"), (157, "rejected"), (100, "rejected")],
)
def test_a_candidate_may_lose_the_margin_and_no_more(hits: int, decision: str):
    """0.80 less 0.01: 158 of 200 is on the line. The lost samples overlap, so only 2 or 3 differ."""
    verdict = judge(NON_INFERIOR, right(hits), champion=champion(right(160)), best=None)
    assert verdict.decision == decision
    assert verdict.code == ("non_inferior" if decision == "promoted" else "worse_than_champion")


def test_a_significant_loss_is_refused_inside_the_margin():
    """Five samples lost, none won: p = 1/32 is below 0.05, though 0.775 is above 0.80 - 0.05."""
    settings = GateSettings(margin=0.05)
    verdict = judge(settings, right(155), champion=champion(right(160)), best=None)
    assert (verdict.decision, verdict.code) == ("rejected", "worse_than_champion")
    assert "p 0.031" in verdict.needed


def test_losses_that_wins_balance_are_no_loss():
    """Both 160, five lost and five won: not worse."""
    verdict = judge(GateSettings(margin=0.0), right(160, first=5), champion=champion(right(160)), best=None)
    assert verdict.decision == "promoted"


def test_small_steps_down_end_at_the_best_earlier_champion():
    best = Reference(registry_version=1, correct=right(164), loss=0.5)
    verdict = judge(NON_INFERIOR, right(160), champion=champion(right(161)), best=best)
    assert (verdict.decision, verdict.code) == ("rejected", "worse_than_best")
    assert verdict.figures["best_version"] == 1


@pytest.mark.parametrize(("hits", "decision"), [(164, "rejected"), (165, "promoted")])
def test_improves_asks_for_evidence(hits: int, decision: str):
    """Four won of four: p = 1/16. Five of five: 1/32."""
    settings = GateSettings(policy="improves")
    verdict = judge(settings, right(hits), champion=champion(right(160)), best=None)
    assert verdict.decision == decision


def test_always_promotes_a_worse_one_and_manual_waits():
    worse, old = right(10), champion(right(190))
    assert judge(GateSettings(policy="always"), worse, champion=old, best=None).decision == "promoted"
    verdict = judge(GateSettings(policy="manual"), worse, champion=old, best=None)
    assert (verdict.decision, verdict.code) == ("parked", "manual")


def test_every_verdict_names_the_size_of_its_evidence():
    verdict = judge(NON_INFERIOR, right(50, of=99), champion=champion(right(50, of=99)), best=None)
    assert "99 samples (only 99" in verdict.found
    assert verdict.figures["gate_samples"] == 99
    verdict = judge(NON_INFERIOR, right(50, of=100), champion=champion(right(50, of=100)), best=None)
    assert "only" not in verdict.found


OLD = champion(right(160))
BEST = Reference(registry_version=1, correct=right(170), loss=0.5)


@pytest.mark.parametrize(
    ("policy", "hits", "best", "said"),
    [
        ("always", 10, None, ("promoted", "always", "nothing: the policy is always")),
        ("manual", 190, None, ("parked", "manual", "a person's word: grasp promote")),
        (
            "improves",
            165,
            None,
            ("promoted", "better", "better than champion 0.8000 with p below 0.05 (p 0.0312)"),
        ),
        (
            "improves",
            160,
            None,
            ("rejected", "not_better", "better than champion 0.8000 with p below 0.05 (p 1)"),
        ),
        ("non_inferior", 160, None, ("promoted", "non_inferior", "at least 0.7900")),
        (
            "non_inferior",
            157,
            None,
            ("rejected", "worse_than_champion", "at least 0.7900 (champion 0.8000 less 0.01)"),
        ),
        (
            "non_inferior",
            160,
            BEST,
            ("rejected", "worse_than_best", "at least 0.8400 (best 0.8500 less 0.01)"),
        ),
    ],
)
def test_a_verdict_says_its_code_and_what_it_needed(policy: str, hits: int, best, said: tuple[str, ...]):
    verdict = judge(GateSettings(policy=policy), right(hits), champion=OLD, best=best)
    assert (verdict.decision, verdict.code, verdict.needed) == said


def test_the_first_verdict_says_so_and_holds_its_accuracy():
    verdict = judge(NON_INFERIOR, right(150), champion=None, best=None)
    assert (verdict.needed, verdict.figures) == (
        "no champion before it",
        {"gate_accuracy": 0.75, "gate_samples": 200.0},
    )
    assert verdict.found == "gate accuracy 0.7500 on 200 samples"


def test_the_figures_hold_both_references_and_both_directions():
    figures = judge(NON_INFERIOR, right(163), champion=OLD, best=BEST).figures
    assert figures == {
        "gate_accuracy": 0.815,
        "gate_samples": 200.0,
        "champion_version": 3.0,
        "champion_gate_accuracy": 0.8,
        "p_worse_than_champion": 1.0,
        "p_better_than_champion": 1 / 8,
        "best_version": 1.0,
        "best_gate_accuracy": 0.85,
        "p_worse_than_best": 1 / 128,
        "p_better_than_best": 1.0,
    }


def test_a_p_value_on_the_line_is_no_evidence():
    """Five of five: p = 1/32, and the confidence asks for less than exactly that."""
    line = 1 - 1 / 32
    better = judge(GateSettings(policy="improves", confidence=line), right(165), champion=OLD, best=None)
    assert better.decision == "rejected"
    worse = judge(GateSettings(margin=0.05, confidence=line), right(155), champion=OLD, best=None)
    assert worse.decision == "promoted"


@pytest.mark.parametrize("policy", ["always", "non_inferior", "improves", "manual"])
@pytest.mark.parametrize("old", [None, champion(right(100))], ids=["first", "against-champion"])
@pytest.mark.parametrize("loss", [1.9e29, float("inf"), float("nan"), ABSURD * math.log(10) + 1e-6])
def test_an_absurd_loss_is_refused_under_every_policy_whatever_the_accuracy(policy, old, loss):
    verdict = judge(GateSettings(policy=policy), right(200), loss=loss, champion=old, best=old)
    assert (verdict.decision, verdict.code) == ("rejected", "absurd_loss")
    assert f"gate loss {loss:.4g}" in verdict.found
    assert "46.05" in verdict.needed
    assert verdict.figures["gate_loss_limit"] == pytest.approx(ABSURD * math.log(10))
    assert "gate_accuracy" in verdict.figures
    assert ("champion has 0.5" in verdict.needed) == (old is not None)


@pytest.mark.parametrize("loss", [0.0, 3.0, ABSURD * math.log(10)])
def test_a_loss_that_calibration_explains_is_none_of_the_gates_business(loss: float):
    verdict = judge(NON_INFERIOR, right(160), loss=loss, champion=champion(right(160)), best=None)
    assert verdict.decision == "promoted"


def test_what_is_no_worse_than_an_absurd_champion_may_take_its_place():
    """One that an older gate let in, or a person promoted: nothing could follow it else."""
    old = champion(right(160), loss=1.9e29)
    assert judge(NON_INFERIOR, right(160), loss=1.8e29, champion=old, best=None).decision == "promoted"
    assert judge(NON_INFERIOR, right(160), loss=2.0e29, champion=old, best=None).code == "absurd_loss"


def test_the_limit_does_not_ratchet_up_with_its_champions():
    limit = loss_limit(10, champion=None)
    assert loss_limit(10, champion=limit) == limit
