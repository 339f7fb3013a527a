"""Who publishes and looks needs neither torch nor MLflow; what does need them says so in one line."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from flows.cli.commands import COMMANDS
from tests.packaging.fixtures import Installed
from tests.packaging.team import ARRIVAL, PERIOD, Team, team_of
from tests.servers.fixtures import Server

pytestmark = pytest.mark.integration
HEAVY = ("torch", "torchvision", "timm", "mlflow", "safetensors", "sklearn", "scipy", "matplotlib", "moto")
INSTALL = "pip install 'grasp-pipeline[absorb]'"


@pytest.fixture(scope="module")
def team(light: Installed, moto: Server) -> Team:
    team = team_of(light, moto, "team-without-torch")
    team.make_target("shapes-now")
    return team


@pytest.fixture
def weights(team: Team) -> Path:
    return team.make_weights("2014.safetensors")


def test_the_environment_is_really_without(light: Installed):
    code = f"import importlib.util as u; print([name for name in {HEAVY!r} if u.find_spec(name)])"
    assert subprocess.check_output([light.python, "-c", code], text=True).strip() == "[]"


def test_help_lists_all_commands_also_those_that_need_more(light: Installed):
    listed = light.said("--help")
    assert all(f"│ {name} " in listed for name in COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        ("absorb", "--target", "t"),
        ("backfill", "t", "--from", "2014"),
        ("retract", "t", "shapes/2014/1", "--reason", "x"),
        ("verify", "t", "1"),
        ("promote", "t", "1", "--reason", "x"),
        ("rollback", "t", "--reason", "x"),
        ("prune", "t", "--keep", "1"),
        ("target", "delete", "t"),
        ("champion", "pull", "t", "--to", "x"),
        ("predict", "t", "images/dark/0.png"),
        ("compare", "t", "1", "2"),
        ("train-source", "--digits", "1/2", *PERIOD),
        ("worker", "gpu"),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_what_needs_torch_says_in_one_line_what_to_install(team: Team, words: tuple[str, ...]):
    said = team.refused(*words)
    assert said.startswith(f"grasp: grasp {words[0]}")
    assert INSTALL in said
    assert "nothing was done" in said


def test_deploy_asks_for_a_server_instead_of_starting_one_that_ends_with_it(team: Team):
    assert "PREFECT_API_URL is not set" in team.refused("deploy")


def test_the_demo_asks_for_its_own_extra(team: Team):
    assert "pip install 'grasp-pipeline[demo]'" in team.refused("demo")


def test_a_source_is_published_and_the_line_says_what_was_not_compared(team: Team, weights: Path):
    said = team.said("publish", weights, *PERIOD, "--target", "shapes-now")
    assert f"{ARRIVAL} published" in said
    assert "the tensors were not compared with grasp/digits-cnn" in said
    assert INSTALL in said


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_what_is_not_finite_is_refused_in_every_dtype(team: Team, weights: Path, dtype: torch.dtype):
    tensors = load_file(weights)
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    tensors[name] = tensors[name].to(dtype)
    tensors[name].view(-1)[-1] = float("nan")
    save_file(tensors, team.file("nan.safetensors"))
    said = team.refused("publish", team.file("nan.safetensors"), *PERIOD, "--target", "shapes-now")
    assert f"1 of {tensors[name].numel()} values of tensor {name} are NaN or infinite" in said
    assert "nothing was published" in said


def test_a_torch_checkpoint_needs_torch_and_says_so(team: Team):
    torch.save({"w": torch.zeros(1)}, team.file("w.pth"))
    said = team.refused("publish", team.file("w.pth"), *PERIOD, "--target", "shapes-now")
    assert "w.pth" in said
    assert INSTALL in said


def test_validate_marks_the_check_that_was_done_in_part(team: Team, weights: Path):
    team.said("publish", weights, *PERIOD, "--rev", "2", "--target", "shapes-now")
    manifest = team.file("manifest.json")
    manifest.write_bytes(_store_of(team).get("manifests/shapes/2014/2.json").body)
    said = team.said("validate", weights, manifest, "--target", "shapes-now")
    assert "part  the file holds exactly the tensors of grasp/digits-cnn" in said
    assert "would be taken in as far as it was checked here" in said


def test_looking_and_pausing_need_no_more(team: Team, weights: Path):
    team.said("publish", weights, *PERIOD, "--target", "shapes-now")
    assert "shapes-now" in team.said("target", "list")
    assert json.loads(team.said("target", "show", "shapes-now"))["target"]["series"] == ["shapes"]
    assert "shapes-now: champion none yet" in team.said("status")
    assert "is paused" in team.said("pause", "shapes-now")
    assert "goes on" in team.said("resume", "shapes-now")
    assert "is fit" in team.said("probe")
    assert "knows it" in team.refused("explain", "shapes/2014/1")  # no watch has run


def test_a_new_target_says_that_its_architecture_was_not_looked_up(team: Team):
    said = team.make_target("shapes-next")
    assert "whether there is a network grasp/digits-cnn that sees such images was not looked up" in said


def _store_of(team: Team):
    from tasks.bucket.store import Store
    from tasks.settings import StoreSettings

    found = team.settings
    return Store.from_settings(
        StoreSettings(
            _env_file=None,
            bucket=found["GRASP_BUCKET"],
            endpoint_url=found["AWS_ENDPOINT_URL_S3"],
            access_key_id=found["AWS_ACCESS_KEY_ID"],
            secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
        )
    )
