"""One place holds one study, and says what differs."""

import pytest

from tasks.errors import InvalidDocument, OperationRefused
from tasks.reproduction.study import settle
from tests.tasks.reproduction.conftest import STUDY


def test_the_same_study_may_go_on_and_another_is_refused_with_what_differs(tmp_path):
    settle(STUDY, tmp_path / "out")
    settle(STUDY, tmp_path / "out")
    (tmp_path / "out" / "sources.jsonl").touch()
    other = STUDY.model_copy(update={"epochs": 3, "budget": 60})
    with pytest.raises(
        OperationRefused, match=r"holds a study with budget 20, epochs 1, .* budget 60, epochs 3"
    ):
        settle(other, tmp_path / "out")


def test_a_study_that_nothing_was_made_for_gives_way(tmp_path):
    settle(STUDY, tmp_path / "out")
    (tmp_path / "out" / "data").mkdir()
    settle(STUDY.model_copy(update={"budget": 60}), tmp_path / "out")
    with pytest.raises(OperationRefused, match="holds a study with size 8"):
        settle(STUDY.model_copy(update={"size": 16, "budget": 60}), tmp_path / "out")


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(OperationRefused, match=r"is not empty and has no study.json"):
        settle(STUDY, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", ["{", '{"dataset": "digits"}', "[]"])
def test_a_damaged_study_is_named(tmp_path, content):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(InvalidDocument, match=r"study.json"):
        settle(STUDY, tmp_path)
