import torch

from grasp_core.seed import conditions, derive, generator, seeded


def test_each_use_of_a_seed_has_its_own_numbers():
    uses = [derive(0), derive(1), derive(0, "a"), derive(0, "b"), derive(0, "a", 1), derive(0, "a", 2)]
    assert len(set(uses)) == len(uses)
    assert derive(0, "a") == derive(0, "a")
    assert all(0 <= seed < 2**63 for seed in uses)
    assert torch.equal(torch.rand(3, generator=generator(4, "x")), torch.rand(3, generator=generator(4, "x")))


def test_a_seeded_stretch_leaves_the_global_numbers_as_they_were():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    with seeded(5, "dropout", device=torch.device("cpu")):
        inside = torch.rand(2)
    assert torch.equal(torch.rand(2), expected)
    with seeded(5, "dropout", device=torch.device("cpu")):
        assert torch.equal(torch.rand(2), inside)


def test_the_conditions_of_bitwise_equality_are_named():
    assert conditions().keys() == {"torch", "threads", "cpu_capability"}
    assert conditions()["torch"] == torch.__version__
