"""Fill MLflow's database with copies of one absorb, as if a target had absorbed thousands of sources."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

# Per copy n: 32 hex digits in place of a run's or model's id, so that nothing else tells copies apart.
_ID = "printf('%032x', n)"
_MODEL = "'m-' || " + _ID


def multiply(database: Path, *, target: str, run_id: str, model_id: str, until: int) -> None:
    """Copy version 1 of a target, its run and its logged model until there are `until` of each.

    Rows are written straight into sqlite: by the API 10,000 absorbs would take hours.
    """
    connection = sqlite3.connect(database, timeout=60)
    with connection:
        (have,) = connection.execute(
            "SELECT max(version) FROM model_versions WHERE name = ?", (target,)
        ).fetchone()
        connection.execute("CREATE TEMP TABLE numbers (n INTEGER)")
        connection.executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in range(have + 1, until + 1)])
        run, version = ("run_uuid", run_id), ("version", "1")
        unit = "CASE WHEN key = 'unit' THEN value || n ELSE value END"
        _copy(connection, "runs", run, {"run_uuid": _ID})
        _copy(connection, "tags", run, {"run_uuid": _ID, "value": unit})
        for table in ("params", "metrics", "latest_metrics"):
            _copy(connection, table, run, {"run_uuid": _ID})
        named = f"AND name = '{target}'"
        _copy(connection, "model_versions", version, {"version": "n", "run_id": _ID}, named)
        _copy(connection, "model_version_tags", version, {"version": "n", "value": unit}, named)
        model = ("model_id", model_id)
        _copy(connection, "logged_models", model, {"model_id": _MODEL, "source_run_id": _ID})
        for table in ("logged_model_tags", "logged_model_params", "logged_model_metrics"):
            _copy(connection, table, model, _of_model(connection, table))
    connection.execute("ANALYZE")
    connection.close()


def _of_model(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    changes = {"model_id": _MODEL}
    return changes | ({"run_id": _ID} if "run_id" in _columns(connection, table) else {})


def _copy(
    connection: sqlite3.Connection,
    table: str,
    where: tuple[str, str],
    changes: Mapping[str, str],
    also: str = "",
) -> None:
    columns = _columns(connection, table)
    values = ", ".join(f"{changes.get(column, column)}" for column in columns)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {values} FROM {table}, numbers WHERE {where[0]} = ? {also}",
        (where[1],),
    )


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
