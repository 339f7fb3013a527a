import pytest

from tests.tasks.journal.script import Script


@pytest.fixture
def script(stamp) -> Script:
    return Script(stamp)
