"""A licence travels in the weights file, and changes nothing else about it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.contracts.base import Architecture
from tasks.errors import InvalidDocument
from tasks.weights.files import check_source, new_module, save
from tasks.weights.licensing import state_license, stated_license

DIGITS = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    save(new_module(DIGITS), tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_a_stated_licence_is_read_back_and_the_tensors_are_the_same(file: Path, tmp_path: Path):
    out = tmp_path / "licensed.safetensors"
    assert stated_license(file) is None
    state_license(file, out, "cc-by-4.0")
    assert stated_license(out) == "cc-by-4.0"
    check_source(out, DIGITS, object="w")
    before, after = load_file(file), load_file(out)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_same_words_give_the_same_bytes_and_other_metadata_stays(file: Path, tmp_path: Path):
    named = tmp_path / "named.safetensors"
    save_file(load_file(file), named, metadata={"format": "pt"})
    for out in ("a", "b"):
        state_license(named, tmp_path / out, "apache-2.0")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    length = int.from_bytes((tmp_path / "a").read_bytes()[:8], "little")
    metadata = json.loads((tmp_path / "a").read_bytes()[8 : 8 + length])["__metadata__"]
    assert metadata == {"format": "pt", "license": "apache-2.0"}


def test_the_modelspec_key_counts_too_and_strangers_words_are_made_fit(file: Path, tmp_path: Path):
    said = "x" * 1000 + "\x1b[2J"
    save_file(load_file(file), tmp_path / "s", metadata={"modelspec.license": said})
    shown = stated_license(tmp_path / "s")
    assert len(shown) <= 200
    assert shown.isprintable()


@pytest.mark.parametrize("said", [" ", "a\nb", "x" * 201])
def test_words_that_do_not_fit_are_refused(file: Path, tmp_path: Path, said: str):
    with pytest.raises(InvalidDocument, match=r"such as cc-by-4\.0; nothing was written"):
        state_license(file, tmp_path / "out", said)
    assert not (tmp_path / "out").exists()
