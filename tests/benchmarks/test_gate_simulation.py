"""The simulation of the gate's policies: what each lets through, on a seed that nobody chose."""

from benchmarks.lineage.gate import HARM, history


def test_always_lets_every_harmful_arrival_in_and_accuracy_collapses():
    told = history("always", samples=500, seed=77, arrivals=60)
    assert told["harmful_promoted"] == told["harmful"] > 0
    assert told["drift_points"] < -100 * HARM[0]


def test_non_inferior_keeps_harmful_arrivals_out_and_accuracy_does_not_ratchet_down():
    told = history("non_inferior", samples=500, seed=77, arrivals=60)
    assert told["harmful_promoted"] <= 0.05 * told["harmful"]
    assert told["drift_points"] > -100 * HARM[0]


def test_improves_promotes_less_than_non_inferior():
    one, other = (
        history(policy, samples=500, seed=77, arrivals=60) for policy in ("improves", "non_inferior")
    )
    assert one["promoted"] < other["promoted"]
    assert one["harmful_promoted"] == 0
