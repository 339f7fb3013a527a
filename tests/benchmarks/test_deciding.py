"""What deciding costs is measured on the same labels, and told as a ratio."""

from benchmarks.deciding.__main__ import Cost, costs, report


def test_both_are_measured_on_a_small_network():
    (cost,) = costs("grasp/digits-cnn", 40, 8, runs=1)
    assert cost.choice in {"absorbed", "replaced", "unchanged"}
    assert min(cost.absorb_s, cost.fine_tune_s) >= 0


def test_the_table_gives_the_median_ratio_and_its_range():
    def cost(took: float) -> Cost:
        return Cost(network="n", labels=600, size=96, choice="replaced", fine_tune_s=10.0, absorb_s=took)

    made = report([cost(12.0), cost(13.0), cost(15.0)])
    assert "| n, 600 labels, 96 px | 3 | 10.0 | 13.0 | 1.30 (1.20 to 1.50) | replaced |" in made
