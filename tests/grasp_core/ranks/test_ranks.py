"""Two ranks compute what one process does, and both of them the same bits; alone, nothing is sent."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from grasp_core.ranks.share import in_turns, sharing
from grasp_core.ranks.world import rank, world
from tests.grasp_core.ranks.trial import results

ROOT = Path(__file__).parents[3]


class Both(NamedTuple):
    alone: dict[str, Any]
    ranks: list[dict[str, Any]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    directory = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, "-m", "tests.grasp_core.ranks.trial", str(directory)]
    ranks = [subprocess.Popen([*command, str(number), "2"], cwd=ROOT) for number in range(2)]
    alone = json.loads(json.dumps(results()))
    assert [each.wait(timeout=300) for each in ranks] == [0, 0]
    return Both(alone, [json.loads((directory / f"{number}.json").read_text()) for number in range(2)])


def test_a_process_alone_computes_all_of_every_batch():
    batch = torch.zeros(5, 1, 2, 2), torch.arange(5)
    assert (world(), rank()) == (1, 0)
    with sharing(batch) as part:
        assert part.batch is batch
        assert (part.of_mean, part.of_sum) == (1.0, 1.0)
    assert list(in_turns([1, 2, 3])) == [1, 2, 3]


@pytest.mark.slow
def test_both_ranks_end_with_the_same_bits(both: Both):
    assert both.ranks[0] == both.ranks[1]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["guarded", "reference"])
def test_ranks_score_and_transfer_what_one_process_does(both: Both, mode: str):
    alone, together = both.alone[mode], both.ranks[0][mode]
    assert together["scores"] == pytest.approx(alone["scores"], abs=1e-5)
    exact = ("choice", "alpha", "scalars", "passes")
    assert [together[name] for name in exact] == pytest.approx([alone[name] for name in exact])
    assert together["transferred"] == alone["transferred"]
    assert mode == "guarded" or 0 < len(alone["transferred"]) < len(alone["scores"])
    assert together["accuracy"] == pytest.approx(alone["accuracy"], abs=0.1)
    assert together["losses"] == pytest.approx(alone["losses"], rel=1e-3)
    assert together["after"] == pytest.approx(alone["after"], rel=0.02)


@pytest.mark.slow
def test_scores_of_ranks_differ_by_rounding_alone(both: Both):
    assert both.ranks[0]["doubled"] == pytest.approx(both.alone["doubled"], abs=1e-9)


@pytest.mark.slow
def test_batch_norm_of_ranks_sees_the_whole_batch(both: Both):
    for name in ("normed", "one row"):  # seven rows in uneven shares; fewer rows than ranks
        for figure, values in both.alone[name].items():
            assert both.ranks[0][name][figure] == pytest.approx(values, rel=1e-4, abs=1e-5), (name, figure)
    assert both.ranks[0]["recalibrated"] == pytest.approx(both.alone["recalibrated"], rel=1e-5, abs=1e-6)
    assert both.ranks[0]["outside"] == both.alone["outside"]


@pytest.mark.slow
def test_ranks_measure_as_one_process_does(both: Both):
    assert both.ranks[0]["evaluated"] == both.alone["evaluated"]
    assert both.ranks[0]["few batches"] == both.alone["few batches"]
    assert both.ranks[0]["broken"] == both.alone["broken"]
    assert "head.bias has NaN" in both.alone["broken"]


@pytest.mark.slow
def test_what_ranks_tell_each_other_arrives(both: Both):
    together, alone = both.ranks[1]["told"], both.alone["told"]
    assert together["channels_last"] == [2 * value for value in alone["channels_last"]]
    assert (together["greatest"], together["as_first"]) == (2, [1.0])
    assert together["agreed"] == alone["agreed"]
