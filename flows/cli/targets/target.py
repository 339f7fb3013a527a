"""`grasp target`: the models that absorb."""

from typing import Any

import typer
from pydantic import ValidationError

from flows.cli.app import app, out, tell
from tasks.bucket.probe import probe
from tasks.bucket.store import Store
from tasks.contracts.base import Architecture
from tasks.contracts.dataset import Dataset
from tasks.contracts.reading import read_document
from tasks.contracts.target import AbsorbSettings, GateSettings, Target
from tasks.errors import InvalidDocument, NotThere
from tasks.journal.targets import create_target
from tasks.problems import first_problem
from tasks.publishing.checking import check_network
from tasks.settings import StoreSettings, load_settings

target_app = typer.Typer(
    help="Create targets, look at them and change them.", no_args_is_help=True, rich_markup_mode="rich"
)
app.add_typer(target_app, name="target")


@target_app.command()
def create(
    name: str = typer.Argument(help="Name: a-z, 0-9, _ and -, at most 63."),
    series: list[str] = typer.Option(..., "--series", help="Series to absorb; repeat for several."),
    dataset: str = typer.Option(
        ..., "--dataset", help="Key of its data: datasets/<name>/<digest>/dataset.json."
    ),
    architecture: str = typer.Option(..., "--architecture", help="For example torchvision/resnet50."),
    config: list[str] = typer.Option([], "--config", help="Setting of an absorb, such as epochs=20."),
    policy: str = typer.Option("non_inferior", "--gate", help="non_inferior, improves, always or manual."),
    margin: float = typer.Option(0.01, "--margin", help="Accuracy that the gate lets go, in 0..1."),
    late: str = typer.Option("append", "--late", help="append, replay or park."),
) -> None:
    """Create a target; classes and input come from its data.

    Example: [bold]grasp target create digits-now --series digits --dataset datasets/digits/…/dataset.json
    --architecture grasp/digits-cnn --config lr=0.001[/]
    """
    settings = load_settings(StoreSettings)
    store = Store.from_settings(settings)
    probe(store, settings)
    data = _data(store, dataset)
    try:
        network = Architecture(
            id=architecture, in_channels=data.input.channels, num_classes=len(data.classes)
        )
        fields: dict[str, Any] = {
            **{"name": name, "series": tuple(series), "architecture": network, "late": late},
            **{"classes": data.classes, "input": data.input, "dataset": dataset},
            "absorb": AbsorbSettings.model_validate(pairs(config)),
            "gate": GateSettings.model_validate({"policy": policy, "margin": margin}),
        }
        target = Target.model_validate(fields)
    except ValidationError as error:
        raise InvalidDocument(f"target {name}: {first_problem(error)}; no target was created") from error
    _need_seeing(target)
    create_target(store, target)
    out.print(f"target {name} created; it absorbs {', '.join(series)}")


def _data(store: Store, key: str) -> Dataset:
    try:
        return read_document(Dataset, store.get(key).body, name=key)
    except NotThere as error:
        raise NotThere(
            f"--dataset {key}: is not there in bucket {store.bucket}; needs the key that "
            "grasp dataset publish printed, such as datasets/digits/<digest>/dataset.json; "
            "no target was created"
        ) from error


def _need_seeing(target: Target) -> None:
    """Raise UnknownArchitecture or InvalidConfig now, rather than when every source is refused for it."""
    if unchecked := check_network(target):
        tell(unchecked)


def pairs(config: list[str]) -> dict[str, Any]:
    """Read name=value settings of an absorb."""
    pairs = [item.partition("=") for item in config]
    unfit = [key for key, sign, _ in pairs if not sign]
    if unfit:
        raise typer.BadParameter(f"--config {unfit[0]}: needs name=value")
    unknown = [key for key, _, _ in pairs if key not in AbsorbSettings.model_fields]
    if unknown:
        known = ", ".join(AbsorbSettings.model_fields)
        raise typer.BadParameter(f"--config {unknown[0]}: is no setting of an absorb; these are: {known}")
    return {key: value for key, _, value in pairs}
