"""Every name that we set is one that the pinned servers and clients read: a misspelt one changes nothing."""

from pathlib import Path

import pytest
from prefect.settings import Settings
from prefect.settings.base import PrefectBaseSettings
from prefect.settings.legacy import _get_settings_fields

from deployments.environment import SERVER, WORKER
from deployments.stack import environment
from deployments.stack.layout import make_layout


def names(prefix: str, directory: Path) -> set[str]:
    layout = make_layout(directory)
    of_stack = (
        environment.prefect_server(layout),
        environment.mlflow_server(layout),
        environment.worker(layout, "gpu"),
        *(environment.client(layout, part) for part in ("operator", "pipeline", "publisher")),
    )
    return {name for each in (SERVER, WORKER, *of_stack) for name in each if name.startswith(prefix)}


def read_by_prefect_redis() -> set[str]:
    from prefect_redis import cleanup_queue, client

    kinds: list[type[PrefectBaseSettings]] = [
        client.RedisMessagingSettings,
        cleanup_queue.RedisWorkerCleanupQueueSettings,
    ]
    return {
        f"{kind.model_config['env_prefix']}{field}".upper() for kind in kinds for field in kind.model_fields
    }


def read_by_mlflow() -> set[str]:
    """What MLflow declares, and what the options of its server read."""
    import mlflow.environment_variables as declared
    from mlflow.cli import server
    from mlflow.server.auth import config

    options = {str(option.envvar) for option in server.params if getattr(option, "envvar", None)}
    source = Path(config.__file__).read_text()
    variables = (getattr(each, "name", None) for each in vars(declared).values())
    return {name for name in variables if isinstance(name, str)} | options | {source}


def test_every_prefect_setting_exists(tmp_path: Path):
    known = set(_get_settings_fields(Settings)) | read_by_prefect_redis()
    assert names("PREFECT_", tmp_path) - known == set()


def test_every_mlflow_setting_exists(tmp_path: Path):
    known = read_by_mlflow()
    assert {name for name in names("MLFLOW_", tmp_path) if not any(name in each for each in known)} == set()


@pytest.mark.parametrize("module", ["messaging", "ordering", "lease_storage", "cleanup_queue"])
def test_every_part_of_prefect_redis_that_we_name_exists(module: str):
    from importlib import import_module

    assert import_module(f"prefect_redis.{module}")
