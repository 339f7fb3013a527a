"""PostgreSQL's files, and a role with a database of its own for each server that keeps something there."""

import os
import subprocess

from deployments.stack.layout import Layout
from deployments.stack.programs import program, without_root
from deployments.supervision.private import write_private
from deployments.supervision.unit import HOST

ROLES = ("prefect", "mlflow", "mlflow_auth")


def make_files(layout: Layout) -> None:
    """Make the cluster's files, unless they are there, and write its configuration."""
    files = layout.directory / "postgres"
    if not (files / "PG_VERSION").exists():
        password = layout.directory / "postgres.password"
        write_private(password, layout.secrets.postgres)
        options = (
            "-U",
            "postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            "-E",
            "UTF8",
            "--locale=C",
        )
        subprocess.run(without_root(program("initdb"), "-D", str(files), *options), check=True)
        password.unlink()
    write_private(
        files / "stack.conf",
        f"listen_addresses = '{HOST}'\nport = {layout.ports.postgres}\nunix_socket_directories = ''\n"
        f"hba_file = '{files}/pg_hba.conf'\nident_file = '{files}/pg_ident.conf'\n"
        "max_connections = 200\nshared_buffers = 128MB\nlog_timezone = 'UTC'\ntimezone = 'UTC'\n",
    )


def make_databases(layout: Layout) -> None:
    """Make roles and databases that are not there; nobody else may connect to them."""
    for role in ROLES:
        password = getattr(layout.secrets, f"{role}_database")
        if _ask(layout, f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'") != "1":  # noqa: S608  # ours
            _ask(layout, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        if _ask(layout, f"SELECT 1 FROM pg_database WHERE datname = '{role}'") != "1":  # noqa: S608
            _ask(layout, f"CREATE DATABASE {role} OWNER {role}")
        _ask(layout, f"REVOKE CONNECT ON DATABASE {role} FROM PUBLIC")


def _ask(layout: Layout, statement: str) -> str:
    """Send one statement through standard input, where no list of processes shows it."""
    command = [program("psql"), "-h", HOST, "-p", str(layout.ports.postgres), "-U", "postgres", "-qtAX"]
    done = subprocess.run(
        [*command, "-v", "ON_ERROR_STOP=1"],
        input=statement,
        env={**os.environ, "PGPASSWORD": layout.secrets.postgres},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
