import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.environment import WORKER, server_environment
from deployments.workers import environment_from, on_device, worker_command
from tasks.errors import InvalidSettings


def test_flow_runs_get_what_stands_in_dotenv_but_the_environment_wins(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("GRASP_BUCKET=written\nAWS_REGION=written\n")
    monkeypatch.setenv("AWS_REGION", "exported")
    found = environment_from(tmp_path / ".env")
    assert (found["GRASP_BUCKET"], found["AWS_REGION"]) == ("written", "exported")


def test_a_job_command_python_is_the_workers_own(tmp_path):
    found = environment_from(tmp_path / "none")
    said = subprocess.check_output(
        ["/usr/bin/env", "python", "-c", "import sys; print(sys.prefix)"], env=found, text=True
    )
    assert said.strip() == sys.prefix
    assert found["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_a_worker_beats_thrice_before_a_zombie_is_crashed():
    from deployments.automations import zombie_automations

    deployed = zombie_automations()[0].trigger.within.total_seconds()
    assert deployed >= 3 * int(WORKER["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])


def test_a_worker_never_invents_a_pool():
    assert "--no-create-pool-if-not-found" in worker_command("gpu")


def test_slots_survive_a_restart_of_the_server_and_old_runs_are_swept(tmp_path):
    found = server_environment(tmp_path)
    assert found["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith("lease_storage.filesystem")
    assert "flow_runs" in found["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"]
    assert found["PREFECT_HOME"] == str(tmp_path)


def test_a_worker_without_an_address_says_so_in_one_line_and_starts_no_server(tmp_path):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    own = {"PREFECT_HOME": str(tmp_path / "prefect"), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "deployments.workers", "cpu"],
        cwd=tmp_path,
        env=plain | own,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    needed = "PREFECT_API_URL is not set; set it in the environment or in .env; no worker was started"
    assert done.stderr == f"workers: {needed}\n"
    assert not list(tmp_path.rglob("prefect.db*"))


@pytest.mark.parametrize("device", ["0", "0,1", "GPU-0a1b2c3d-1111"])
def test_a_worker_of_a_device_sees_it_alone_and_takes_one_run_at_a_time(device: str):
    options, seen = on_device("gpu", device)
    assert options[:2] == ["--limit", "1"]
    assert seen["CUDA_VISIBLE_DEVICES"] == device
    assert seen["GRASP_DEVICE"] == "cuda"  # and never falls back to the processor unseen


def test_two_workers_of_a_machine_have_names_of_their_own():
    names = {on_device("gpu", device)[0][-1] for device in ("0", "1", "0,1", "cpu")}
    assert len(names) == 4


def test_a_worker_without_a_gpu_works_on_the_processor():
    assert on_device("gpu", "cpu")[1] == {"CUDA_VISIBLE_DEVICES": "", "GRASP_DEVICE": "cpu"}


@pytest.mark.parametrize("device", ["", "cuda", "0;1", "0,", "-1", "GPU-"])
def test_what_names_no_device_is_refused(device: str):
    with pytest.raises(InvalidSettings, match="no worker was started"):
        on_device("gpu", device)
