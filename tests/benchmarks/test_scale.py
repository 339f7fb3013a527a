"""The simulation keeps the pipeline's rules: a lineage is serial, first come first served, none lost."""

from benchmarks.scale.simulate import World, simulate

CALM = World(arrivals_a_day=200, targets=20, gpus=4, absorb_s=60, days=1, skew=0)


def test_every_source_is_absorbed_or_open_and_the_same_seed_says_the_same():
    once, again = simulate(CALM, seed=1), simulate(CALM, seed=1)
    assert once == again
    assert once.absorbed == len(once.waits_s)
    assert 150 < once.absorbed + once.open_at_end < 250


def test_a_source_waits_at_least_for_the_start_of_a_run_and_its_own_absorb():
    assert simulate(CALM, seed=0).waits_s[0] > 0.2 * CALM.absorb_s
    assert simulate(CALM, seed=0).wait(0.5) < 5 * CALM.absorb_s


def test_too_few_gpus_make_everybody_wait_and_more_help():
    few, many = (simulate(CALM._replace(absorb_s=1200, gpus=gpus), seed=0) for gpus in (1, 8))
    assert few.wait(0.5) > 5 * many.wait(0.5)
    assert few.busy > 0.9


def test_one_lineage_is_serial_whatever_the_number_of_gpus():
    one = CALM._replace(targets=1, absorb_s=1200)
    assert (
        simulate(one._replace(gpus=1), seed=0).absorbed == simulate(one._replace(gpus=100), seed=0).absorbed
    )


def test_sources_that_come_at_once_are_taken_by_one_run():
    assert simulate(CALM._replace(burst=50, targets=1), seed=0).runs < 10
