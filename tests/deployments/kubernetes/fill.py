"""Fill a base job template as Prefect's Kubernetes worker does; hold the job against Kubernetes' schema.

Runs in build/deployments, where prefect-kubernetes and kubernetes-validate are. Prints the job as JSON.
"""

import asyncio
import json
import sys
from uuid import uuid4

import kubernetes_validate
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

NOBODY = PrefectClient("http://127.0.0.1:9/api")  # nothing in our template has to be asked of a server


async def filled(template: dict, values: dict) -> dict:
    configuration = await KubernetesWorkerJobConfiguration.from_template_and_values(
        base_job_template=template, values=values, client=NOBODY
    )
    configuration.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="absorb-digits-now"))
    return configuration.job_manifest


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    job = asyncio.run(filled(asked["template"], asked["values"]))
    kubernetes_validate.validate(job, kubernetes_validate.latest_version(), strict=True)
    json.dump(job, sys.stdout)
