"""Bring a stack up and keep it up: files first, then the units."""

from collections.abc import Callable
from pathlib import Path

from deployments.stack import environment
from deployments.stack.layout import WORKPLACES, Layout, make_layout
from deployments.stack.parts.certificates import make_certificates
from deployments.stack.parts.nginx import configuration
from deployments.stack.programs import missing_packages
from deployments.stack.units import units
from deployments.supervise import Stops
from deployments.supervision.private import write_private
from deployments.supervision.state import alone, end_leftovers
from deployments.supervision.supervisor import Supervisor
from deployments.supervision.unit import HOST
from tasks.errors import InvalidSettings

PARTS = ("operator", "pipeline", "publisher")


def up(directory: Path, *, tell: Callable[[str], object]) -> int:
    """Run a stack until a signal asks for the end; gives 0.

    What it keeps is kept: the next start goes on with it. Raises InvalidSettings when programs are missing or
    another supervisor holds the directory, OrchestrationUnavailable when a part does not come up.
    """
    if missing := missing_packages():
        raise InvalidSettings(
            f"Debian packages are missing, nothing was started; needed: "
            f"apt-get install --no-install-recommends {' '.join(missing)}"
        )
    with alone(directory):
        stops, layout = Stops(), make_layout(directory)
        end_leftovers(directory, mark=layout.mark, below=WORKPLACES)
        _write_files(layout)
        supervisor = Supervisor(units(layout), directory, mark=layout.mark, tell=tell)
        supervisor.run(stops, when_up=lambda: _say_up(layout, tell))
    tell("stopped; its data are kept")
    return 0


def _write_files(layout: Layout) -> None:
    """Write every configuration anew: they hold nothing of their own."""
    directory = layout.directory
    make_certificates(directory / "tls")
    work = directory / "nginx"
    write_private(work / "nginx.conf", configuration(layout, work))
    write_private(directory / "redis" / "redis.conf", _redis(layout))
    write_private(directory / "mlflow" / "auth.ini", _mlflow_auth(layout))
    for part in PARTS:
        write_private(directory / f"{part}.env", environment.dotenv(environment.client(layout, part)))


def _redis(layout: Layout) -> str:
    return (
        f"bind {HOST}\nport {layout.ports.redis}\nrequirepass {layout.secrets.redis}\n"
        f"dir {layout.directory / 'redis'}\nappendonly yes\nmaxmemory-policy noeviction\n"
    )


def _mlflow_auth(layout: Layout) -> str:
    """Write MLflow's settings: who logs in may read; a checked login counts for a minute, hashing is slow."""
    return (
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = {environment.database_of(layout, 'mlflow_auth')}\n"
        "admin_username = admin\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        "auth_cache_ttl_seconds = 60\n"
    )


def _say_up(layout: Layout, tell: Callable[[str], object]) -> None:
    tell("the stack is up")
    for what, where in (("Prefect", layout.prefect), ("MLflow", layout.mlflow), ("S3", layout.s3)):
        tell(f"{what:<8} {where}")
    tell(f"logins and settings: {', '.join(f'{part}.env' for part in PARTS)} in {layout.directory}")
