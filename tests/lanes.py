"""Which tests go together when several processes run them."""

from pathlib import Path

LANES = ("integration", "chaos", "browser", "gpu")  # after the unit tests, in this order

SHARED = {  # costly servers, and the files whose tests need them
    "deployed": ("test_deploy", "test_forms_in_browser"),
    "demo": ("test_demo_end_to_end", "test_seen_in_mlflow"),
    "stack": ("test_stack", "test_stack_chaos"),
    "rgw": (
        *("test_bad_arrivals", "test_log", "test_permissions"),
        *("test_probe", "test_store", "test_store_away", "test_store_killed"),
    ),
}
# Long tests that share only what each process has once: the last ones to start do not wait for each other.
APART = ("test_cancel", "test_chaos", "test_deleted", "test_lineages", "test_withdrawn")


def together(nodeid: str) -> str:
    """Give the group of a test, all of which runs in one process: its server's, its file's, or its own."""
    path = nodeid.partition("::")[0]
    stem = Path(path).stem
    return nodeid if stem in APART else next((s for s, files in SHARED.items() if stem in files), path)
