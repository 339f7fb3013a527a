"""Where a one-machine stack lies: its directory, its ports, its keys; chosen once and kept."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from secrets import token_hex, token_urlsafe
from shlex import quote
from typing import Literal

from dotenv import dotenv_values
from pydantic import BaseModel

from deployments.ports import HOST, choose_ports
from deployments.supervision.private import write_private

DATA = "grasp-data"
USUAL = (9010, 5010, 4210, 4310, 4311)  # not the demo's, which may start at the same moment
BUCKET = "grasp"
BEGIN, END = "# grasp up wrote this; it writes it anew each time", "# until here"
Server = Literal["s3", "mlflow", "prefect"]
NAMED = {"s3": "GRASP_BUCKET", "mlflow": "MLFLOW_TRACKING_URI", "prefect": "PREFECT_API_URL"}


class Ports(BaseModel):
    """Where everything listens, on loopback."""

    s3: int
    mlflow: int
    prefect: int
    worker_cpu: int
    worker_gpu: int


class Layout(BaseModel):
    """A stack's own facts, as `machine.json` keeps them for its owner alone.

    directory: where .env lies and `grasp` is used; what is kept lies in `data`, below it.
    without: units that shall not run here, a worker that works elsewhere for one.
    """

    directory: Path
    ports: Ports
    access_key: str
    secret_key: str
    mark: str
    without: tuple[str, ...] = ()

    @property
    def data(self) -> Path:
        """Give where everything is kept."""
        return self.directory / DATA

    @property
    def dotenv(self) -> Path:
        """Give the file with the settings."""
        return self.directory / ".env"

    def address(self, server: Server) -> str:
        """Give the address of a server that is ours."""
        return f"http://{HOST}:{getattr(self.ports, server)}"


def make_layout(directory: Path) -> Layout:
    """Choose ports and keys for a new stack, or read those of one that is there."""
    kept = directory / DATA / "machine.json"
    if kept.is_file():
        layout = Layout.model_validate_json(kept.read_bytes())
        return layout.model_copy(update={"directory": directory})
    s3, mlflow, prefect, cpu, gpu = choose_ports(USUAL)
    layout = Layout(
        directory=directory,
        ports=Ports(s3=s3, mlflow=mlflow, prefect=prefect, worker_cpu=cpu, worker_gpu=gpu),
        access_key=f"grasp-{token_hex(4)}",
        secret_key=token_urlsafe(30),
        mark=f"grasp up {token_hex(8)}",
    )
    keep(layout)
    (directory / DATA / ".gitignore").write_text("*\n")
    return layout


def keep(layout: Layout) -> None:
    """Write down what was chosen."""
    write_private(layout.data / "machine.json", layout.model_dump_json(indent=1))


def own_settings(directory: Path) -> dict[str, str]:
    """Read what a person wrote into .env, without what we wrote there."""
    written = _without_ours(_text(directory / ".env"))
    return {name: value for name, value in dotenv_values(stream=StringIO(written)).items() if value}


def servers_to_start(own: Mapping[str, str]) -> tuple[Server, ...]:
    """Give the servers that no setting names: those are ours to start."""
    every: tuple[Server, ...] = ("s3", "mlflow", "prefect")
    return tuple(server for server in every if NAMED[server] not in own)


def write_settings(layout: Layout, settings: Mapping[str, str]) -> None:
    """Put our settings into .env, in place of those that we wrote before; a person's own stay as they are."""
    lines = [BEGIN, *(f"{name}={quote(value)}" for name, value in settings.items()), END]
    own = _without_ours(_text(layout.dotenv)).rstrip("\n")
    write_private(layout.dotenv, "\n".join([own, *lines] if own else lines) + "\n")


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _without_ours(text: str) -> str:
    before, _, rest = text.partition(f"{BEGIN}\n")
    return before + rest.partition(f"{END}\n")[2]
