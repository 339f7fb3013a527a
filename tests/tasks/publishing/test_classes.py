"""Class names as they are typed: with commas between, with a comma inside, or from a file."""

from pathlib import Path

import pytest

from tasks.errors import InvalidDocument
from tasks.publishing.classes import classes_in, classes_of


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("a,b", ("a", "b")),
        ("a, b", ("a", "b")),
        ('"salt, pepper", b', ("salt, pepper", "b")),
        ('a, "say ""b"""', ("a", 'say "b"')),
    ],
)
def test_spaces_around_a_name_go_and_quotes_keep_a_comma(typed: str, names: tuple[str, ...]):
    assert classes_in(typed) == names


@pytest.mark.parametrize("typed", ["a,,b", "a, ", '"a', '"a" b,c', '"a" ,b'])
def test_what_is_no_list_of_names_is_refused(typed: str):
    with pytest.raises(InvalidDocument, match=r"nothing was published\Z"):
        classes_in(typed)


@pytest.mark.parametrize(
    "body", [b'["a, b", "c"]', b"a, b\nc\n", b"\xef\xbb\xbfa, b\r\n\r\nc", b' [\n"a, b",\n"c"]']
)
def test_a_file_holds_a_json_list_or_a_name_per_line(tmp_path: Path, body: bytes):
    (tmp_path / "c").write_bytes(body)
    assert classes_of(tmp_path / "c") == ("a, b", "c")


@pytest.mark.parametrize("body", [b"[1, 2]", b'["a"', b"\xff", b'["a", ""]', b'[["a"], "b"]'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, body: bytes):
    (tmp_path / "c").write_bytes(body)
    with pytest.raises(InvalidDocument, match=r"nothing was published\Z"):
        classes_of(tmp_path / "c")
