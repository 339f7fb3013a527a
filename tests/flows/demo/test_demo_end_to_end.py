"""`grasp demo` as a person runs it, and interrupted."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.flows.demo.demo_runs import DemoRun, started_demo

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def left_behind(directory: Path) -> list[str]:
    """Command lines of processes that still speak of this demo's directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("PREFECT_HOME", "").startswith(
                str(directory)
            ):
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_the_demo_absorbs_six_periods_a_late_one_and_refuses_the_broken_one(demo: DemoRun):
    assert demo.exit_code == 0, demo.output.read_text()
    found = demo.summary
    decisions = {arrival["period"]: arrival["decision"] for arrival in found["arrivals"]}
    assert list(decisions) == ["2014", "2015", "2017", "2018", "2019", "2020", "2016", "2021"]
    assert decisions["2014"] == "promoted"
    assert decisions["2021"] == "quarantined"
    assert set(decisions.values()) <= {"promoted", "rejected", "quarantined"}
    assert found["champion"]["test_accuracy"] > found["champion"]["first_test_accuracy"]
    versions = [each["registry_version"] for each in found["arrivals"] if each["registry_version"]]
    assert versions == sorted(set(versions))
    assert found["champion"]["registry_version"] in versions
    assert "models:/digits-now@champion" in demo.output.read_text()
    assert left_behind(demo.directory) == []


def test_the_runs_page_of_a_demo_shows_no_cancelled_watch(demo: DemoRun):
    with closing(sqlite3.connect(demo.directory / "prefect" / "prefect.db")) as database:
        names = [row[0] for row in database.execute("SELECT state_name FROM flow_run")]
    assert "Completed" in names
    assert "Cancelled" not in names


def test_ctrl_c_while_a_worker_runs_a_flow_leaves_no_process_and_says_what_was_stopped(tmp_path):
    directory, output = tmp_path / "demo", tmp_path / "output"
    with started_demo(directory, output) as demo:
        while not any("prefect.engine" in command for command in left_behind(directory)):
            assert demo.poll() is None, output.read_text()
            time.sleep(0.2)
        demo.send_signal(signal.SIGINT)
        assert demo.wait() == 130
        assert left_behind(directory) == []
    said = " ".join(output.read_text().split())
    services = "prefect, mlflow, s3, worker-cpu, worker-gpu"
    assert f"stopping {services}; this takes some seconds" in said
    assert f"stopped: {services}; nothing of the demo runs any more" in said
