"""Yearbook as its authors lay it out, with what goes wrong in real copies."""

from datetime import date

import pytest

from grasp_core.errors import InvalidData
from tasks.data.layouts.yearbook import FOLDER, survey

YEARS = {1905: 2, 1934: 4, 1949: 3, 1950: 4, 1969: 4, 1970: 4, 1988: 4, 1990: 4, 2005: 4, 2013: 4}


@pytest.fixture
def yearbook(tmp_path, paint, clutter):
    """Portraits of both genders; one gender a file less in the first year."""
    for gender in ("M", "F"):
        for year, count in YEARS.items():
            for number in range(count):
                name = f"{year}_Missouri_Springfield_Central_{number}-{number}.png"
                paint(tmp_path / FOLDER / gender / name, grey=True)
        clutter(tmp_path / FOLDER / gender, beside="1950_x.png")
    return tmp_path


def by_period(found):
    return {
        period.label: sorted(
            {(sample.path.name[:4], found.classes[sample.label]) for sample in period.samples}
        )
        for period in found.periods
    }


def test_a_decade_is_counted_from_the_beginning_of_its_period(yearbook):
    found = survey(yearbook, labels="decade")
    assert by_period(found) == {
        "before-1950": [("1905", "decade-1"), ("1934", "decade-4"), ("1949", "decade-5")],
        "1950-1969": [("1950", "decade-1"), ("1969", "decade-2")],
        "1970-1989": [("1970", "decade-1"), ("1988", "decade-2")],
        "1990-on": [("1990", "decade-1"), ("2005", "decade-2"), ("2013", "decade-3")],
    }
    assert found.classes == ("decade-1", "decade-2", "decade-3", "decade-4", "decade-5")


def test_periods_have_the_days_that_a_manifest_needs(yearbook):
    periods = survey(yearbook, labels="decade").periods
    assert [(period.start, period.end) for period in periods] == [
        (date(1900, 1, 1), date(1949, 12, 31)),
        (date(1950, 1, 1), date(1969, 12, 31)),
        (date(1970, 1, 1), date(1989, 12, 31)),
        (date(1990, 1, 1), date(2013, 12, 31)),
    ]


def test_portraits_can_be_told_by_gender_or_by_the_whole_decade(yearbook):
    assert survey(yearbook, labels="gender").classes == ("female", "male")
    found = survey(yearbook, labels="whole-decade")
    assert found.classes == (
        "1900s",
        "1930s",
        "1940s",
        "1950s",
        "1960s",
        "1970s",
        "1980s",
        "1990s",
        "2000s",
        "2010s",
    )
    assert by_period(found)["1950-1969"] == [("1950", "1950s"), ("1969", "1960s")]


def test_the_folder_itself_will_do_and_a_missing_gender_is_said(yearbook):
    for path in (yearbook / FOLDER / "M").rglob("*.png"):
        path.unlink()
    for path in sorted((yearbook / FOLDER / "M").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (yearbook / FOLDER / "M").rmdir()
    found = survey(yearbook / FOLDER, labels="decade")
    assert any("M: is not there" in remark for remark in found.remarks)
    assert sum(len(period.samples) for period in found.periods) == sum(YEARS.values())


def test_leftovers_of_other_programs_are_no_files(yearbook):
    found = survey(yearbook, labels="decade")
    assert found.skipped == ()
    assert sum(len(period.samples) for period in found.periods) == 2 * sum(YEARS.values())


def test_missing_years_are_said(yearbook):
    (remark,) = survey(yearbook, labels="decade").remarks
    assert remark.startswith("no portrait of 1906, 1907, 1908")
    assert remark.endswith("more")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("portrait.png", "begins with no year"),
        ("19500_x.png", "begins with no year"),
        ("1850_x.png", "from 1900 to 2029"),
        ("1950_readme.txt", "is no image by its name"),
    ],
)
def test_a_file_that_is_no_portrait_is_skipped_with_its_reason(yearbook, paint, name, reason):
    (yearbook / FOLDER / "F" / name).write_bytes(b"")
    (skipped,) = survey(yearbook, labels="decade").skipped
    assert skipped.id == f"F/{name}"
    assert reason in skipped.reason


def test_an_extension_in_capitals_is_an_image(yearbook, paint):
    paint(yearbook / FOLDER / "F" / "1955_x.PNG", grey=True)
    found = survey(yearbook, labels="decade")
    assert "F/1955_x.PNG" in {sample.id for period in found.periods for sample in period.samples}


def test_another_folder_is_refused(tmp_path):
    (tmp_path / "cats").mkdir()
    with pytest.raises(InvalidData, match=r"has neither .* nor folders M and F"):
        survey(tmp_path, labels="decade")


def test_one_class_is_refused(tmp_path, paint):
    paint(tmp_path / "F" / "1950_x.png")
    with pytest.raises(InvalidData, match="1 portraits of 1 classes by gender"):
        survey(tmp_path, labels="gender")
