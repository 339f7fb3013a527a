"""What a one-machine stack keeps of itself, and what it writes for others."""

import os
import subprocess
from pathlib import Path
from shutil import which

import pytest
from dotenv import dotenv_values

from deployments.machine.background import start
from deployments.machine.environment import need_no_others, prefect_server, settings
from deployments.machine.layout import keep, make_layout, own_settings, servers_to_start, write_settings
from deployments.machine.look import lines_of
from deployments.machine.systemd import unit_name, unit_text, write_unit
from deployments.machine.units import units
from tasks.errors import InvalidSettings


def test_ports_and_keys_are_chosen_once_and_kept_for_their_owner_alone(tmp_path: Path):
    first = make_layout(tmp_path)
    assert make_layout(tmp_path) == first
    assert (tmp_path / "grasp-data" / "machine.json").stat().st_mode & 0o777 == 0o600
    assert make_layout(tmp_path / "other").secret_key != first.secret_key


def test_our_settings_stand_beside_a_persons_and_are_written_anew(tmp_path: Path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("GRASP_DEVICE=cpu\n")
    layout = make_layout(tmp_path)
    for port in (1, 2):
        layout.ports.mlflow = port
        write_settings(layout, settings(layout, ("mlflow",)))
    assert own_settings(tmp_path) == {"GRASP_DEVICE": "cpu"}
    assert dotenv_values(dotenv)["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:2"
    assert dotenv.read_text().count("MLFLOW_TRACKING_URI") == 1
    assert dotenv.stat().st_mode & 0o777 == 0o600


def test_a_setting_with_a_space_reads_back(tmp_path: Path):
    layout = make_layout(tmp_path / "my models")
    write_settings(layout, settings(layout, ()))
    assert dotenv_values(layout.dotenv)["GRASP_CACHE_DIR"] == f"{tmp_path}/my models/grasp-data/cache"


def test_a_server_that_a_person_names_is_not_started(tmp_path: Path):
    (tmp_path / ".env").write_text("GRASP_BUCKET=ours\nAWS_ENDPOINT_URL_S3=https://s3.example.org\n")
    layout, own = make_layout(tmp_path), own_settings(tmp_path)
    servers = servers_to_start(own)
    assert servers == ("mlflow", "prefect")
    names = [unit.name for unit in units(layout, servers, own | settings(layout, servers))]
    assert names == ["mlflow", "prefect", "settle", "worker-cpu", "worker-gpu"]
    assert "AWS_ACCESS_KEY_ID" not in settings(layout, servers)
    assert "S3       yours: ours" in list(lines_of(layout))


def test_a_worker_that_works_elsewhere_is_left_out_of_every_start(tmp_path: Path):
    layout = make_layout(tmp_path)
    keep(layout.model_copy(update={"without": ("worker-gpu",)}))
    again = make_layout(tmp_path)
    assert [unit.name for unit in units(again, ("s3",), {})] == ["s3", "settle", "worker-cpu"]


def test_what_is_no_worker_cannot_be_left_out(tmp_path: Path):
    with pytest.raises(InvalidSettings, match="--without s3: needs worker-cpu, worker-gpu or none"):
        start(tmp_path, without=["s3"], tell=print)


def test_variables_of_the_shell_that_would_stand_before_the_settings_are_refused():
    wanted = {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "GRASP_BUCKET": "grasp"}
    need_no_others(wanted, {"GRASP_BUCKET": "grasp", "MLFLOW_TRACKING_URI": "http://elsewhere"})
    with pytest.raises(InvalidSettings, match="PREFECT_API_URL: set in this shell"):
        need_no_others(wanted, {"PREFECT_API_URL": "http://elsewhere/api"})


def test_the_prefect_server_is_nobodys_client_and_keeps_its_leases(tmp_path: Path):
    layout = make_layout(tmp_path)
    environment = prefect_server(layout, settings(layout, ("prefect",)))
    assert "PREFECT_API_URL" not in environment
    assert environment["PREFECT_HOME"] == str(tmp_path / "grasp-data" / "prefect")
    assert environment["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith("filesystem")


def test_a_unit_for_systemd_names_its_directory_and_is_another_for_each(tmp_path: Path):
    layouts = [make_layout(tmp_path / name) for name in ("My models", "my-models")]
    assert unit_name(layouts[0]).startswith("grasp-my-models-")
    assert unit_name(layouts[0]) != unit_name(layouts[1])
    assert f'-m deployments.machine "{tmp_path}/My models"' in unit_text(layouts[0])
    assert f"WorkingDirectory={tmp_path}/My models\n" in unit_text(
        layouts[0]
    )  # quotes would be part of the path


@pytest.mark.skipif(not which("systemd-analyze"), reason="systemd's own reader of units is not installed")
def test_systemd_itself_finds_no_fault_in_the_unit(tmp_path: Path):
    (tmp_path / 'My "50%" \\models').mkdir()
    unit = write_unit(make_layout(tmp_path / 'My "50%" \\models'), home=tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", unit],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stack_that_does_not_run_says_so_and_shows_disk_and_versions(tmp_path: Path):
    lines = list(lines_of(make_layout(tmp_path)))
    assert lines[0] == "down; grasp up starts it"
    assert any(line.startswith("disk, GiB: ") and line.endswith("free") for line in lines)
    assert any("grasp-pipeline " in line and "Python 3." in line for line in lines)
