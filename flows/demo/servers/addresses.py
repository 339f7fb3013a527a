"""Where the demo's servers listen, and the environment that makes everything talk to them."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from deployments.environment import server_environment, worker_environment
from deployments.ports import HOST, choose_ports
from tasks.settings import Settings

BUCKET = "grasp-demo"
REGION = "us-east-1"
KEY = "demo"  # moto checks no credentials
FOREIGN = ("AWS_", "GRASP_", "MLFLOW_", "PREFECT_", "OTEL_")  # a person's own settings stay out of the demo


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Base addresses, without a slash at the end."""

    s3: str
    mlflow: str
    prefect: str

    @classmethod
    def choose(cls) -> "Addresses":
        """Take the usual ports, or others where those are taken."""
        s3, mlflow, prefect = (f"http://{HOST}:{port}" for port in choose_ports((9000, 5000, 4200)))
        return cls(s3=s3, mlflow=mlflow, prefect=prefect)


def port_of(address: str) -> str:
    """Give the port of an address."""
    return address.rpartition(":")[2]


def settings_of(addresses: Addresses, directory: Path) -> Settings:
    """Give the settings with which the demo's own process works."""
    return Settings(
        bucket=BUCKET,
        endpoint_url=addresses.s3,
        region=REGION,
        access_key_id=KEY,
        secret_access_key=SecretStr(KEY),
        mlflow_tracking_uri=addresses.mlflow,
        cache_dir=directory / "cache",
    )


def environment_of(addresses: Addresses, directory: Path) -> dict[str, str]:
    """Give the whole environment of every process that the demo starts."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **own,
        **server_environment(directory / "prefect"),
        **worker_environment(),
        **_store(addresses),
        "MLFLOW_TRACKING_URI": addresses.mlflow,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PREFECT_API_URL": f"{addresses.prefect}/api",
        "PREFECT_WORKER_QUERY_SECONDS": "2",  # the default of 10 s is most of what a small absorb takes
        "GRASP_CACHE_DIR": str(directory / "cache"),
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
        "OMP_NUM_THREADS": "1",  # the models are too small for more
        "PYTHONUNBUFFERED": "1",
    }


def _store(addresses: Addresses) -> dict[str, str]:
    return {
        "GRASP_BUCKET": BUCKET,
        "AWS_ENDPOINT_URL_S3": addresses.s3,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
