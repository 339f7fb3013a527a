"""Write a model directory that MLflow's pyfunc can load: safetensors files and a loader, nothing pickled.

The loader is `tasks.serving`: a host that serves the model has this package installed
(`pip install` of it, then `mlflow models serve --env-manager local`). requirements.txt names the libraries
beside it; this package is on no index, so its name is left out of it.
"""

import os
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
from mlflow.entities import LoggedModel
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from tasks.contracts.base import ModelSignature as Signature
from tasks.journal.ancestry import Ancestry
from tasks.tracking.serving import ANCESTORS, SERVED, SIGNATURE, STEM

REQUIREMENTS = ("mlflow", "numpy", "pydantic", "safetensors", "timm", "torch", "torchvision")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelContent:
    """What a model directory holds; stem is None where the served model is its own stem."""

    served: Path
    stem: Path | None
    signature: Signature
    ancestry: Ancestry
    card: str


def write_model(directory: Path, content: ModelContent, *, logged: LoggedModel) -> None:
    """Lay out a model directory for this logged model; weights are hard links where the disk allows it."""
    data = directory / "data"
    data.mkdir(parents=True)
    _place(content.served, data / SERVED)
    if content.stem:
        _place(content.stem, data / STEM)
    (data / SIGNATURE).write_text(content.signature.model_dump_json(indent=1))
    (data / ANCESTORS).write_text(content.ancestry.model_dump_json(indent=1))
    (directory / "README.md").write_text(content.card)
    (directory / "requirements.txt").write_text("\n".join(pip_requirements()) + "\n")
    model = Model(
        artifact_path=logged.artifact_location,
        model_uuid=logged.model_id,
        run_id=logged.source_run_id,
        model_id=logged.model_id,
        signature=_tensors(content.signature),
        model_size_bytes=sum(file.stat().st_size for file in data.iterdir()),
    )
    mlflow.pyfunc.add_to_model(model, loader_module="tasks.serving", data="data")
    model.save(str(directory / "MLmodel"))


def pip_requirements() -> list[str]:
    """Pin the libraries that serving needs to what is installed, without build labels such as +cpu."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS]


def _tensors(signature: Signature) -> ModelSignature:
    size = signature.input
    images: Any = TensorSpec(np.dtype("uint8"), (-1, size.height, size.width, size.channels))
    chances: Any = TensorSpec(np.dtype("float32"), (-1, signature.architecture.num_classes))
    return ModelSignature(inputs=Schema([images]), outputs=Schema([chances]))


def _place(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
