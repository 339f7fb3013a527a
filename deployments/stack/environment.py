"""The environment of every server and client of a stack, with the reason for what is not plain."""

import os
from collections.abc import Mapping

from deployments.environment import server_environment, worker_environment
from deployments.stack.layout import ARTIFACTS, BUCKET, Layout
from deployments.supervision.unit import HOST

# A person's own settings stay out.
FOREIGN = ("AWS_", "GRASP_", "MLFLOW_", "PREFECT_", "OTEL_", "PG", "REDIS")
REGION = "us-east-1"


def plain_environment() -> dict[str, str]:
    """Give this process's environment without anything that names another server or another person."""
    own = {name: value for name, value in os.environ.items() if not name.upper().startswith(FOREIGN)}
    own.pop("SSL_CERT_FILE", None)
    return {
        **own,
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
        "PYTHONUNBUFFERED": "1",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def prefect_server(layout: Layout) -> dict[str, str]:
    """Give what each Prefect process needs: one database, one Redis, the same secret."""
    redis = f"redis://default:{layout.secrets.redis}@{HOST}:{layout.ports.redis}"
    database = f"prefect:{layout.secrets.prefect_database}@{HOST}:{layout.ports.postgres}/prefect"
    return {
        **plain_environment(),
        **server_environment(layout.directory / "prefect"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{database}",
        # Two servers that migrate a fresh database at once: one dies on a unique constraint.
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
        "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
        "PREFECT_REDIS_MESSAGING_URL": f"{redis}/0",
        # A setting of its own; without it the queue dials localhost for ever.
        "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": f"{redis}/0",
        # In memory, each services process would make the same late runs and schedules.
        "PREFECT_SERVER_DOCKET_URL": f"{redis}/1",
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "2d",
        "PREFECT_SERVER_API_AUTH_STRING": f"admin:{layout.secrets.prefect}",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": layout.prefect,
        "PREFECT_SERVER_UI_API_URL": f"{layout.prefect}/api",
        # Services call the API, too.
        "PREFECT_API_AUTH_STRING": f"admin:{layout.secrets.prefect}",
        "PREFECT_API_URL": f"http://{HOST}:{layout.ports.prefect_a}/api",
    }


def mlflow_server(layout: Layout) -> dict[str, str]:
    """Give what MLflow needs. It signs addresses of the store, so it sees the store as clients do."""
    return {
        **plain_environment(),
        **_store(layout, user="artifacts", secret=layout.secrets.s3_artifacts),
        "MLFLOW_S3_ENDPOINT_URL": layout.s3,
        "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": "path",
        "MLFLOW_AUTH_CONFIG_PATH": str(layout.directory / "mlflow" / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": layout.secrets.mlflow_admin,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": layout.secrets.mlflow_session,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BACKEND_STORE_URI": database_of(layout, "mlflow"),
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
    }


def client(layout: Layout, part: str) -> dict[str, str]:
    """Give the settings with which a part works: pipeline, operator or publisher; all through nginx."""
    settings = _store(layout, user=part, secret=str(getattr(layout.secrets, f"s3_{part}")))
    if part == "publisher":
        return settings
    return {
        **settings,
        "MLFLOW_TRACKING_URI": layout.mlflow,
        "MLFLOW_TRACKING_USERNAME": "pipeline",
        "MLFLOW_TRACKING_PASSWORD": layout.secrets.mlflow_pipeline,
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
        "PREFECT_API_URL": f"{layout.prefect}/api",
        "PREFECT_API_AUTH_STRING": f"admin:{layout.secrets.prefect}",
        "GRASP_CACHE_DIR": str(layout.directory / "cache" / part),
    }


def whole(layout: Layout, part: str) -> dict[str, str]:
    """Give the whole environment of a process that works as this part."""
    return {
        **plain_environment(),
        **worker_environment(),
        **client(layout, part),
        "PREFECT_HOME": str(layout.directory / "work" / f"home-{part}"),
        "OMP_NUM_THREADS": "1",  # several processes share the cores
    }


def worker(layout: Layout, pool: str) -> dict[str, str]:
    """Give what a worker needs: the pipeline's rights, and a door for its health."""
    return {
        **whole(layout, "pipeline"),
        "PREFECT_HOME": str(layout.directory / "work" / f"home-{pool}"),
        "PREFECT_WORKER_WEBSERVER_HOST": HOST,
        "PREFECT_WORKER_WEBSERVER_PORT": str(getattr(layout.ports, f"worker_{pool}")),
        "PREFECT_WORKER_QUERY_SECONDS": "2",  # nobody else asks this server
        # A cancellation that finds nobody to cancel ends the run all the same.
        "PREFECT_RUNNER_CRASH_ON_CANCELLATION_FAILURE": "true",
        # No machine is switched on for a run: what is not at work by then was killed with its worker.
        "GRASP_UNBEGUN_LIMIT_S": "120",
    }


def receiver(layout: Layout) -> dict[str, str]:
    """Give what the receiver needs: Prefect's address and login, and the secret; no key of the store."""
    pipeline = whole(layout, "pipeline").items()
    return {
        **{name: value for name, value in pipeline if not name.startswith(("AWS_", "MLFLOW_"))},
        "PREFECT_HOME": str(layout.directory / "work" / "home-receiver"),
        "GRASP_RECEIVER_SECRET": layout.secrets.receiver,
        "GRASP_RECEIVER_HOST": HOST,
        "GRASP_RECEIVER_PORT": str(layout.ports.receiver),
    }


def database_of(layout: Layout, role: str) -> str:
    """Give the address of a database of MLflow's, for SQLAlchemy."""
    password = getattr(layout.secrets, f"{role}_database")
    return f"postgresql+psycopg2://{role}:{password}@{HOST}:{layout.ports.postgres}/{role}"


def dotenv(settings: Mapping[str, str]) -> str:
    """Write settings as a file that a shell and `.env` readers understand."""
    return "".join(f"{name}='{value}'\n" for name, value in sorted(settings.items()))


def _store(layout: Layout, *, user: str, secret: str) -> dict[str, str]:
    authority = str(layout.authority)
    return {
        "GRASP_BUCKET": ARTIFACTS if user == "artifacts" else BUCKET,
        "AWS_ENDPOINT_URL_S3": layout.s3,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": user,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        # Each client looks for its authority elsewhere.
        "AWS_CA_BUNDLE": authority,
        "REQUESTS_CA_BUNDLE": authority,
        "SSL_CERT_FILE": authority,
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
    }
