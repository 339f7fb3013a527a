"""What is not installed is said in one line, with what to install and for what."""

import pytest

from tasks import extras
from tasks.errors import NotInstalled


def test_where_all_is_installed_nothing_is_said():
    extras.need_absorb("grasp promote")
    extras.need_demo("grasp demo")
    assert extras.can_absorb()


def test_what_is_missing_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(extras, "ABSORB", ("numpy", "no_such_library"))
    assert not extras.can_absorb()
    with pytest.raises(NotInstalled) as error:
        extras.need_absorb("grasp promote")
    assert str(error.value) == (
        "grasp promote needs no_such_library, not installed here: "
        "pip install 'grasp-pipeline[absorb]'; nothing was done"
    )
