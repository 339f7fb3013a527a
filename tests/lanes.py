"""The order of the lanes, and which tests go together when several processes run them."""

from pathlib import Path

LANES = ("integration", "chaos", "browser", "gpu")  # after the unit tests, in this order
# Fixtures that start a server which takes seconds of CPU: what needs one is no unit test.
SERVERS = {"mlflow_server", "on_stage", "prefect_api", "prefect_server", "rgw", "stack"}

SHARED = {  # what is costly to start or to import, and the files whose tests need it
    "deployed": ("test_deploy", "test_forms_at_work", "test_forms_in_browser"),
    "demo": ("test_demo_end_to_end", "test_seen_in_mlflow"),
    "stack": ("test_stack", "test_stack_chaos"),
    "settings of the servers": ("test_compose", "test_settings_exist"),
    "rgw": (
        *("test_bad_arrivals", "test_log", "test_permissions"),
        *("test_probe", "test_store", "test_store_away", "test_store_killed"),
    ),
}
# Long tests that share only what each process has once: the last ones to start do not wait for each other.
APART = ("test_cancel", "test_chaos", "test_deleted", "test_lineages", "test_withdrawn")


def lane_of(item) -> int:
    """Give a test's place in that order; 0 for unit tests."""
    return max((LANES.index(lane) + 1 for lane in LANES if item.get_closest_marker(lane)), default=0)


def is_fast(item) -> bool:
    """Say whether `make fast` runs a test."""
    return not lane_of(item) and not any(item.get_closest_marker(mark) for mark in ("slow", "soak"))


def unmarked(items) -> list[str]:
    """Name the tests that start such a server and are in no lane: the quick loop would pay for it."""
    quick = (item for item in items if not lane_of(item) and not item.get_closest_marker("soak"))
    return [item.nodeid for item in quick if SERVERS & {*item.fixturenames}]


def together(nodeid: str) -> str:
    """Give the group of a test, all of which runs in one process: its server's, its file's, or its own."""
    path = nodeid.partition("::")[0]
    stem = Path(path).stem
    return nodeid if stem in APART else next((s for s, files in SHARED.items() if stem in files), path)
