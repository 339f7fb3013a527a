import io
import json
import tarfile

import numpy as np
import pytest

from grasp_core.data import emoji
from grasp_core.errors import InvalidData
from tests.benchmarks.packages import entry, package

RED, BLUE, NOTHING = (255, 0, 0, 255), (0, 0, 255, 255), (0, 0, 0, 0)


@pytest.mark.parametrize("sheet", [True, False])
def test_both_forms_of_a_package_give_the_same_drawings_on_white(tmp_path, sheet):
    entries = [entry("2600-FE0F", "Nature"), entry("1F600", "People", place=5)]
    drawings = emoji.read(package(tmp_path / "p.tgz", entries, [RED, NOTHING], sheet=sheet))
    assert drawings.identities == ("2600", "1F600")
    assert drawings.categories == ("Nature", "People")
    assert drawings.pictures.shape == (2, 64, 64, 3)
    assert (drawings.pictures[0] == (255, 0, 0)).all()
    assert (drawings.pictures[1] == 255).all()


def test_combinations_by_joiner_what_google_did_not_draw_and_second_names_are_left_out(tmp_path):
    entries = [
        entry("1F468-200D-1F33E", "People"),
        entry("1F600", "People", has_img_google=False),
        entry("2600", "Nature"),
        entry("2600-FE0F", "Symbols"),
    ]
    drawings = emoji.read(package(tmp_path / "p.tgz", entries, [BLUE, BLUE, RED, BLUE]))
    assert drawings.identities == ("2600",)
    assert (drawings.pictures[0] == (255, 0, 0)).all()


def test_a_package_without_drawings_or_with_a_lost_picture_is_refused(tmp_path):
    with pytest.raises(InvalidData, match="no Google drawing"):
        emoji.read(package(tmp_path / "none.tgz", [], []))
    lost = [entry("2600", "Nature"), entry("1F600", "People", image="lost.png")]
    path = package(tmp_path / "lost.tgz", lost[:1], [RED])
    with pytest.raises(InvalidData, match=r"lost\.png"):
        emoji.read(_with_catalogue_of(lost, path, tmp_path))


def _with_catalogue_of(entries, path, tmp_path):
    other = tmp_path / "other.tgz"
    with tarfile.open(path) as old, tarfile.open(other, "w:gz") as new:
        for member in old:
            content = old.extractfile(member).read()
            if member.name == emoji.CATALOGUE:
                content = json.dumps(entries).encode()
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return other


def test_classes_are_what_the_latest_package_calls_a_drawing_and_swatches_of_skin_have_none(tmp_path):
    entries = [
        entry("1F600", "People"),
        entry("1F3FB", "Skin Tones", place=1),
        entry("2600", "Nature", place=2),
    ]
    drawings = emoji.read(package(tmp_path / "p.tgz", entries, [RED, BLUE, RED], sheet=True))
    meanings = {"1F600": "Smileys & Emotion", "1F3FB": "Component", "2600": "Travel & Places"}
    kept, labels = emoji.labelled(drawings, meanings)
    assert kept.identities == ("1F600", "2600")
    assert len(kept.pictures) == 2
    assert np.array_equal(labels, [6, 8])
