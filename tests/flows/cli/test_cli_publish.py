"""`grasp publish` with odd files, odd names, nobody to take the source: what it prints and sends."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from flows.cli.app import command_line
from grasp_core.errors import InvalidConfig
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Architecture, InputSpec
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import read_document
from tasks.data.datasets import SPLITS, SplitArrays, publish_dataset
from tasks.errors import GraspError, InvalidCheckpoint, InvalidDocument, NotThere
from tasks.weights.files import load_module, new_module, save

THREE = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=3)
WHEN = ("--series", "digits", "--period", "2014", "--start", "2014-01-01", "--end", "2014-12-31")
WHAT = ("--architecture", "grasp/digits-cnn")
NAMES = ("--classes", 'cat, "dog, wet",tea')


@pytest.fixture
def grasp():
    """Run a command; gives what it printed. Errors come out as they are raised."""

    def run(*words: object) -> str:
        result = CliRunner(env={"COLUMNS": "200"}).invoke(command_line(), [str(word) for word in words])
        if isinstance(result.exception, GraspError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    return run


@pytest.fixture
def module() -> torch.nn.Module:
    torch.manual_seed(1)
    return new_module(THREE)


@pytest.fixture
def file(tmp_path: Path, module: torch.nn.Module) -> Path:
    save(module, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def published(store: Store) -> Manifest:
    (item,) = store.list(keys.MANIFESTS)
    return read_document(Manifest, store.get(item.key).body, name=item.key)


def test_spaces_around_class_names_go_and_a_comma_can_be_given(store: Store, file: Path, grasp):
    grasp("publish", file, *WHEN, *WHAT, *NAMES)
    assert published(store).classes == ("cat", "dog, wet", "tea")


def test_class_names_come_from_a_file(store: Store, file: Path, grasp, tmp_path: Path):
    (tmp_path / "names").write_text("cat\ndog, wet\ntea\n")
    grasp("publish", file, *WHEN, *WHAT, "--classes-file", tmp_path / "names")
    assert published(store).classes == ("cat", "dog, wet", "tea")


def test_safetensors_with_a_prefix_are_published_without_it(store: Store, module, grasp, tmp_path: Path):
    state = {f"net.{name}": tensor for name, tensor in module.state_dict().items()}
    save_file(state, tmp_path / "prefixed.safetensors")
    said = grasp("publish", tmp_path / "prefixed.safetensors", *WHEN, *WHAT, *NAMES)
    assert "prefix net. stripped" in said
    assert store.head(published(store).weights.key)


def test_a_prefix_that_was_asked_for_is_never_passed_over(store: Store, file: Path, grasp):
    with pytest.raises(InvalidCheckpoint, match=r"under prefix 'ema\.'; the model lies under ''"):
        grasp("publish", file, *WHEN, *WHAT, *NAMES, "--prefix", "ema.")


def test_the_averages_of_a_checkpoint_are_offered_and_can_be_chosen(
    store: Store, module, grasp, tmp_path: Path
):
    averaged = new_module(THREE)
    both = {"state_dict": module.state_dict(), "state_dict_ema": averaged.state_dict()}
    torch.save(both, tmp_path / "c.pth")
    said = grasp("publish", tmp_path / "c.pth", *WHEN, *WHAT, *NAMES)
    assert "state dict state_dict taken" in said
    assert "--state-dict 'state_dict_ema' takes that one" in said
    grasp("publish", tmp_path / "c.pth", *WHEN, *WHAT, *NAMES, "--rev", "2", "--state-dict", "state_dict_ema")
    second = read_document(Manifest, store.get("manifests/digits/2014/2.json").body, name="m")
    (tmp_path / "blob").write_bytes(store.get(second.weights.key).body)
    assert torch.equal(load_module(tmp_path / "blob", THREE).head.weight, averaged.head.weight)


def test_a_foreign_file_is_named_and_nothing_is_sent(store: Store, grasp, tmp_path: Path):
    (tmp_path / "w.pth").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n")
    with pytest.raises(InvalidCheckpoint, match=r"a Git LFS pointer.*git lfs pull"):
        grasp("publish", tmp_path / "w.pth", *WHEN, *WHAT, *NAMES)
    assert not list(store.list(keys.MANIFESTS))


def test_an_architecture_that_cannot_see_the_images_is_refused_before_anything(store: Store, file, grasp):
    what = ("--architecture", "timm/vit_tiny_patch16_224", "--size", "32x32x3", "--classes", "a,b,c")
    with pytest.raises(InvalidConfig, match=r"32 x 32 pixels .*needs such as 224 x 224"):
        grasp("publish", file, *WHEN, *what)
    for name in ("blobs/", keys.MANIFESTS):
        assert not list(store.list(name))


def test_a_target_whose_network_cannot_see_its_images_is_not_created(store: Store, grasp):
    spec = InputSpec(height=32, width=32, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    splits = {
        split: SplitArrays(
            images=np.zeros((2, 32, 32, 3), np.uint8), labels=np.arange(2), ids=(f"{split}-a", f"{split}-b")
        )
        for split in SPLITS
    }
    key = publish_dataset(store, "small", classes=("a", "b"), input=spec, splits=splits)
    what = ("--dataset", key, "--architecture", "timm/vit_tiny_patch16_224")
    with pytest.raises(InvalidConfig, match=r"32 x 32 pixels .*needs such as 224 x 224"):
        grasp("target", "create", "small-now", "--series", "small", *what)
    assert not list(store.list("targets/"))


def test_a_target_of_data_that_are_not_there_is_told_where_keys_come_from(store: Store, grasp):
    with pytest.raises(
        NotThere, match=r"--dataset nope: is not there .*dataset publish.*; no target was created"
    ):
        grasp("target", "create", "t", "--series", "t", "--dataset", "nope", "--architecture", "timm/x")
    assert not list(store.list("targets/"))


def test_an_architecture_with_a_tag_is_told_to_leave_it_off(store: Store, file: Path, grasp):
    with pytest.raises(InvalidDocument, match=r"leave the tag \.r160_in1k off: timm/test_vit"):
        grasp("publish", file, *WHEN, "--architecture", "timm/test_vit.r160_in1k", *NAMES)


def test_classes_that_no_target_of_the_series_has_are_warned_of_before_the_rev_is_used_up(
    store: Store, file: Path, grasp
):
    fields = {
        "schema_version": 1,
        "name": "digits-now",
        "series": ["digits"],
        "architecture": THREE.model_dump(),
        "classes": ["cat", "dog, wet", "sea"],
        "input": {"height": 8, "width": 8, "channels": 1, "mean": [0.5], "std": [0.5]},
        "dataset": f"datasets/digits-now/{'0' * 64}/dataset.json",
    }
    store.put(keys.target_key("digits-now"), json.dumps(fields).encode())
    said = grasp("publish", file, *WHEN, *WHAT, *NAMES)
    refused = "would refuse its classes: found 'tea' at place 3; needed 'sea' at place 3"
    warned = f"warning: target digits-now {refused}"
    assert warned in said
    assert said.index(warned) < said.index("1.json published")
