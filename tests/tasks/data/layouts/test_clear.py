"""CLEAR-10 and CLEAR-100 as they are on disk, with what goes wrong in real copies."""

from datetime import date

import pytest

from grasp_core.errors import InvalidData
from tasks.data.layouts.clear import THIRTY, survey

CLASSES = ("BACKGROUND", "baseball", "bus", "soccer")


@pytest.fixture
def clear(tmp_path, paint, clutter):
    """Ten years of four classes, three images each."""
    (tmp_path / "class_names.txt").write_text("\n".join(CLASSES) + "\n")
    for year in range(1, 11):
        for name in CLASSES:
            for number in range(3):
                paint(tmp_path / "labeled_images" / str(year) / name / f"{year}{number}.jpg")
        clutter(tmp_path / "labeled_images" / str(year) / "bus", beside="1.jpg")
    clutter(tmp_path / "labeled_images", beside="1")
    return tmp_path


def counts(found):
    return {period.label: len(period.samples) for period in found.periods}


def test_two_years_make_a_bin(clear):
    found = survey(clear)
    assert counts(found) == dict.fromkeys(["year_1-2", "year_3-4", "year_5-6", "year_7-8", "year_9-10"], 18)
    assert {sample.id.split("/")[1] for sample in found.periods[1].samples} == {"3", "4"}
    assert (found.periods[4].start, found.periods[4].end) == (date(2013, 1, 1), date(2014, 12, 31))


def test_background_is_no_class_and_that_is_said(clear):
    found = survey(clear)
    assert found.classes == ("baseball", "bus", "soccer")
    assert found.remarks == ("class BACKGROUND: 30 images left out",)


def test_leftovers_of_other_programs_are_no_files(clear):
    assert survey(clear).skipped == ()


def test_years_may_be_calendar_years(clear):
    for year in range(10, 0, -1):
        folder = clear / "labeled_images" / str(year)
        folder.rename(folder.with_name(str(2004 + year)))
    assert set(counts(survey(clear)).values()) == {18}


def test_a_missing_year_halves_its_bin_and_two_take_it_away(clear):
    for year in (3, 5, 6):
        (clear / "labeled_images" / str(year)).rename(clear / f"gone-{year}")
    found = survey(clear)
    assert counts(found) == {"year_1-2": 18, "year_3-4": 9, "year_7-8": 18, "year_9-10": 18}
    assert "no folder of year 3, 5, 6" in found.remarks


def test_a_folder_that_is_no_year_is_left_out_and_said(clear, paint):
    for name in ("0", "2004", "all", "01"):
        paint(clear / "labeled_images" / name / "bus" / "x.jpg")
    found = survey(clear)
    assert sum("is no year from 1 to 10" in remark for remark in found.remarks) == 4
    assert set(counts(found).values()) == {18}


def test_an_empty_class_is_said_and_one_without_any_image_is_none(clear, paint):
    (clear / "class_names.txt").write_text("\n".join((*CLASSES, "laptop")) + "\n\n")
    for path in (clear / "labeled_images" / "4" / "bus").glob("*.jpg"):
        path.unlink()
    found = survey(clear)
    assert found.classes == ("baseball", "bus", "soccer")
    assert "class laptop: has no image in any year; it is left out" in found.remarks
    assert "year 4: no image of bus" in found.remarks


def test_without_class_names_the_folders_name_the_classes(clear):
    (clear / "class_names.txt").unlink()
    found = survey(clear)
    assert found.classes == ("baseball", "bus", "soccer")
    assert any("has no class_names.txt" in remark for remark in found.remarks)


def test_a_copy_that_lies_deeper_is_found(clear, tmp_path_factory):
    deep = tmp_path_factory.mktemp("deep")
    (deep / "CLEAR-10-PUBLIC").mkdir()
    clear.rename(deep / "CLEAR-10-PUBLIC" / "training_folder")
    assert set(counts(survey(deep)).values()) == {18}
    clear.mkdir()


def test_clear_100_keeps_the_thirty_classes_of_the_paper(tmp_path, paint):
    names = sorted((*THIRTY, "wine", "yoga"))
    (tmp_path / "class_names.txt").write_text("\r\n".join(["BACKGROUND", *names]))
    for year in (1, 3):
        for name in names:
            paint(tmp_path / "labeled_images" / str(year) / name / "1.JPG")
    found = survey(tmp_path, only=THIRTY)
    assert found.classes == tuple(sorted(THIRTY))
    assert len(THIRTY) == 30
    assert counts(found) == {"year_1-2": 30, "year_3-4": 30}
    assert "class wine: 2 images left out" in found.remarks


def test_a_copy_that_lacks_some_of_the_thirty_is_refused_with_their_names(clear):
    with pytest.raises(InvalidData, match=r"has 3 classes and lacks airplane, aquarium, .* and 15 more"):
        survey(clear, only=THIRTY)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(InvalidData, match="has no folder labeled_images"):
        survey(tmp_path)
