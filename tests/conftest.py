"""What all tests share: a quiet environment, the order of the lanes, and real servers on demand."""

import os
import sys
import tempfile
from importlib.util import find_spec

import pytest

from tests.lanes import LANES, lane_of, together, unmarked

# Before prefect is imported: it reads its settings then. Tests never use a person's profile or servers.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="grasp-tests-prefect-")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # eight processes that nothing here needs
os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "MLFLOW_TRACKING_URI"):
    os.environ.pop(name, None)

pytest_plugins = [
    *("tests.servers.fixtures", "tests.servers.browser", "tests.packaging.fixtures"),
    "tests.fast_coverage",
]


def pytest_collection_modifyitems(items):
    """Fast tests first; skip the lanes that this machine cannot run, and say why."""
    if wrong := unmarked(items):
        raise pytest.UsageError(f"{wrong}: start a server, need a mark of {LANES}")
    items.sort(key=lane_of)
    missing = _missing_lanes({mark.name for item in items for mark in item.iter_markers()})
    for item in items:
        for lane, why in missing.items():
            if item.get_closest_marker(lane):
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With several processes a file's tests run in one of them, and so do files that share a costly server:
    it is started once.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByServer(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return together(nodeid)

    return ByServer(config, log)


def _missing_lanes(asked):
    missing = {}
    if "browser" in asked and find_spec("playwright") is None:
        missing["browser"] = "playwright is not installed"
    if "gpu" in asked:
        import torch

        if not torch.cuda.is_available():
            missing["gpu"] = "no CUDA device"
    return missing


@pytest.fixture(autouse=True)
def _events_to_the_server_of_the_test():
    """Prefect sends all events of a process where the first one went: end that after each test, since the
    next test's server may be another one, and would hear of no step.
    """
    yield
    if events := sys.modules.get("prefect.events.worker"):
        events.EventsWorker.drain_all(timeout=30, at_exit=False)


@pytest.fixture(scope="session")
def prefect_api():
    """One Prefect API for all tests that run flows in this process; gives its URL."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield PREFECT_API_URL.value()
