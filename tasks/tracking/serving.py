"""Load a registered version for prediction: the pyfunc loader, and the nn.Module behind it.

`mlflow.pyfunc.load_model("models:/<target>@champion").predict(images)` takes uint8 images N x H x W x C of
the target's size and gives class probabilities, float32 N x K, columns in the order of the target's classes.
`mlflow models serve -m "models:/<target>@champion" --env-manager local` answers the same as JSON:
{"inputs": [[[[0, ...]]]]} gives {"predictions": [[0.1, ...]]}.
This package has to be installed where it serves, and its environment activated (MLflow looks for uvicorn).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grasp_core.data.samples import Samples
from tasks.contracts.base import ModelSignature
from tasks.errors import InvalidDocument
from tasks.journal.ancestry import Ancestry
from tasks.weights.files import load_module

SERVED, STEM = "served.safetensors", "stem.safetensors"
SIGNATURE, ANCESTORS = "signature.json", "ancestors.json"
BATCH = 64


class Classifier:
    """A served model: uint8 images in, class probabilities out."""

    def __init__(self, module: nn.Module, signature: ModelSignature) -> None:
        self.module, self.signature = module.eval(), signature

    def predict(self, images: NDArray[np.uint8], params: dict[str, Any] | None = None) -> NDArray[np.float32]:
        """Give class probabilities, float32 N x K, for uint8 images N x H x W x C; params are not used.

        Raises InvalidDocument for other types or sizes.
        """
        size = self.signature.input
        needed = (size.height, size.width, size.channels)
        if images.dtype != np.uint8 or images.shape[1:] != needed:
            raise InvalidDocument(
                f"images are {images.dtype} of shape {images.shape}, need uint8 of shape (N, *{needed}); "
                "nothing was predicted"
            )
        if not len(images):
            return np.empty((0, len(self.signature.classes)), dtype=np.float32)
        unlabelled = np.zeros(len(images), dtype=np.int64)
        samples = Samples(images, unlabelled, mean=size.mean, std=size.std)
        with torch.inference_mode():
            logits = [self.module(batch) for batch, _ in samples.batches(BATCH)]
            chances: NDArray[np.float32] = torch.cat(logits).softmax(1).numpy()
        return chances


def load(directory: Path) -> Classifier:
    """Load the served model of a version's data directory, as fetch_version leaves it."""
    signature = read_signature(directory)
    return Classifier(load_module(directory / SERVED, signature.architecture), signature)


def read_signature(directory: Path) -> ModelSignature:
    """Read what a version's model needs and gives."""
    return ModelSignature.model_validate_json((directory / SIGNATURE).read_bytes(), strict=True)


def read_ancestry(directory: Path) -> Ancestry:
    """Read a version's sources."""
    return Ancestry.model_validate_json((directory / ANCESTORS).read_bytes(), strict=True)
