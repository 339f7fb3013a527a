"""`COVERAGE_OF=fast coverage run -m pytest`: coverage of the fast tests, cheap enough for every run of CI.

All others run unmeasured, and so do the processes that tests start: they would take half as long again.
"""

import os

import pytest

from tests.lanes import is_fast

FAST_ALONE = os.environ.get("COVERAGE_OF") == "fast"
if FAST_ALONE and "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)  # what coverage tells the processes that this one starts


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    if not FAST_ALONE or is_fast(item):
        return (yield)
    from coverage import Coverage

    measured = Coverage.current()
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()
