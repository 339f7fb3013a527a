"""Lists of class names that differ: a person sees what differs, also where it looks the same."""

import unicodedata

import pytest

from grasp_core.data.names import unlike_names

MANY = [f"class {number}" for number in range(4000)]


def test_only_what_differs_is_told_however_late_it_stands():
    other = [*MANY[:3999], "late"]
    found, needed = unlike_names(other, MANY)
    assert found == "'late' at place 4000"
    assert needed == "'class 3999' at place 4000"


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (unicodedata.normalize("NFD", "café"), "another Unicode form, NFC or NFD"),
        (" café", "only spaces at the ends"),
        ("CAFÉ", "only upper and lower case"),
    ],
)
def test_names_that_look_alike_are_told_apart_and_why_is_said(found: str, word: str):
    said, needed = unlike_names([found, "tea"], ["café", "tea"])
    assert said.isascii()
    assert needed == "'caf\\xe9' at place 1"
    assert word in said


def test_another_order_is_called_that():
    assert unlike_names(["b", "a"], ["a", "b"])[0] == "'b' at place 1, 'a' at place 2 (another order)"


def test_lists_of_other_lengths_name_what_is_extra_and_what_is_absent():
    found, needed = unlike_names(["a", "c", "d"], ["a", "b"])
    assert (found, needed) == ("3 names, of which not known 'c', 'd'", "2 names, of which absent 'b'")
