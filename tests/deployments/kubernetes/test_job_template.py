"""The job template of the gpu pool makes jobs that Kubernetes takes, with what a GPU job needs."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from deployments.pools import GPU, ensure_pool, gpu_job_template
from tasks.errors import OperationRefused

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / "build" / "deployments" / "bin"


@pytest.fixture(scope="module")
def job() -> dict:
    """The job of an absorb, as prefect.yaml's job variables and the worker fill it."""
    subprocess.run(["make", "--silent", "build/deployments/installed"], cwd=ROOT, check=True)
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    (absorb,) = (each for each in deployments if each["name"] == "absorb")
    asked = {"template": gpu_job_template(), "values": absorb["work_pool"]["job_variables"]}
    done = subprocess.run(
        [TOOLS / "python", Path(__file__).with_name("fill.py")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_job_asks_for_a_gpu_may_go_where_gpus_are_and_has_shared_memory(job: dict):
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod["tolerations"]
    shared = next(volume for volume in pod["volumes"] if volume["name"] == "shared-memory")
    assert shared["emptyDir"] == {"medium": "Memory", "sizeLimit": "8Gi"}
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in container["volumeMounts"]


@pytest.mark.slow
def test_a_job_pulls_with_a_secret_ends_in_time_and_is_cleared_away(job: dict):
    pod = job["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["terminationGracePeriodSeconds"] == 60
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600
    assert job["spec"]["backoffLimit"] == 0  # the journal counts attempts, not Kubernetes


@pytest.mark.slow
def test_a_job_runs_prefects_command_in_our_image_with_settings_from_a_secret(job: dict):
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert [*container["command"], *container["args"]][-3:] == ["prefect", "flow-run", "execute"]
    assert container["envFrom"] == [{"secretRef": {"name": "grasp-env"}}]
    beat = {"name": "PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "value": "30"}
    assert beat in container["env"]


@pytest.mark.slow
def test_a_job_has_no_rights(job: dict):
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_variable_of_the_template_is_used_and_every_use_is_a_variable():
    template = gpu_job_template()
    text = json.dumps(template["job_configuration"])
    named = set(template["variables"]["properties"])
    assert {name for name in named if f"{{{{ {name} }}}}" not in text} == set()
    assert text.count("{{") == sum(text.count(f"{{{{ {name} }}}}") for name in named)


@pytest.mark.integration
def test_a_kubernetes_pool_takes_the_template_and_no_pool_changes_its_type(client):
    pool = GPU._replace(name="gpu-kubernetes")
    assert ensure_pool(client, pool, kind="kubernetes") == "created"
    assert ensure_pool(client, pool, kind="kubernetes") == "unchanged"
    assert ensure_pool(client, pool) == "unchanged"
    assert client.read_work_pool(pool.name).base_job_template == gpu_job_template()
    with pytest.raises(OperationRefused, match="is of type kubernetes, process was asked for"):
        ensure_pool(client, pool, kind="process")
    client.delete_work_pool(pool.name)
