"""What a person asks of a reproduction, read; and MLflow, where there is one."""

import difflib
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer
from dotenv import dotenv_values
from pydantic import ValidationError

from flows.cli.app import tell
from tasks.contracts.base import Architecture, InputSpec
from tasks.errors import InvalidDocument
from tasks.problems import first_problem
from tasks.settings import TrackingSettings, load_settings

if TYPE_CHECKING:  # they bring torch
    from tasks.reproduction.place import Place
    from tasks.reproduction.study import Study
    from tasks.reproduction.worlds.world import World


def architectures_of(given: Sequence[str], usual: tuple[str, ...], spec: InputSpec) -> tuple[str, ...]:
    """Read the networks, each once. Raises InvalidDocument, UnknownArchitecture, InvalidConfig."""
    from tasks.weights.sight import check_seen

    chosen = _parted(given) or usual
    for name in chosen:
        try:
            network = Architecture(id=name, in_channels=spec.channels, num_classes=2)
        except ValidationError as error:
            raise InvalidDocument(f"{name}: {first_problem(error)}; nothing was done") from error
        check_seen(network, spec)
    return chosen


def peers_of(given: Sequence[str]) -> tuple[str, ...]:
    """Read the peers, in the order of the tables."""
    from grasp_core.peers.catalogue import PEERS

    chosen = _parted(given) or tuple(PEERS)
    for name in chosen:
        if name not in PEERS:
            near = difflib.get_close_matches(name, PEERS, n=3) or PEERS
            raise typer.BadParameter(f"--peers {name}: is none, needs one of {', '.join(near)}")
    return tuple(peer for peer in PEERS if peer in chosen)


def log_of(study: "Study", world: "World", place: "Place", *, wanted: bool) -> "Callable[[], int]":
    """Give what logs the cells that MLflow lacks and says how many have to wait.

    Without a server, or where it is not wanted, nothing is logged.
    """
    if not wanted or not _names_mlflow():
        tell("nothing is logged to MLflow" + (": MLFLOW_TRACKING_URI is not set" if wanted else ""))
        return lambda: 0
    settings = load_settings(TrackingSettings)
    from tasks.reproduction.results.tracked import Tracked
    from tasks.studies import ledger
    from tasks.studies.cell import Cell
    from tasks.tracking.api import connect

    client = connect(settings.mlflow_tracking_uri, login=settings.mlflow_login)
    log = Tracked(client, study, world, key=place.key(), say=tell)
    tell(f"logged to experiment {log.experiment}, runs with the tag study = {place.key()}")
    return lambda: log.log(ledger.records(place.cells, Cell))


def _names_mlflow() -> bool:
    """Say whether the environment or .env names an MLflow server, rightly or not."""
    name = "MLFLOW_TRACKING_URI"
    return bool(os.environ.get(name) or dotenv_values(".env").get(name))


def _parted(given: Sequence[str]) -> tuple[str, ...]:
    words = (word.strip() for each in given for word in each.split(","))
    return tuple(dict.fromkeys(word for word in words if word))
