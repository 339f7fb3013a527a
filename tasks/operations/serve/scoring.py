"""MLflow's scoring protocol: images as JSON in, class names and probabilities out."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.base import ModelSignature
from tasks.errors import InvalidDocument
from tasks.operations.serve.followed import Served

KEYS = ("inputs", "instances")


def images_of(body: bytes, signature: ModelSignature) -> NDArray[np.uint8]:
    """Read uint8 images N x H x W x C from a request's body.

    Raises InvalidDocument for what is no such request, for other sizes, and for numbers that are not whole
    ones from 0 to 255: floats in 0..1 would all become 0.
    """
    try:
        request = json.loads(body)
    except ValueError as error:
        raise InvalidDocument(f"the request: is no JSON ({error}); nothing was predicted") from error
    key = next((key for key in KEYS if isinstance(request, dict) and key in request), None)
    if key is None:
        raise InvalidDocument(
            'the request: needs an object such as {"inputs": [image, ...]}, an image as rows of pixels of '
            "channels; nothing was predicted"
        )
    size = signature.input
    needed = (size.height, size.width, size.channels)
    try:
        images = np.asarray(request[key])
    except ValueError as error:
        raise InvalidDocument(
            f"{key}: images of several sizes, need {needed}; nothing was predicted"
        ) from error
    if images.shape == needed:
        images = images[None]  # one image
    if images.shape[1:] != needed:
        raise InvalidDocument(
            f"{key}: shape {images.shape}, needs (N, {', '.join(map(str, needed))}); nothing was predicted"
        )
    if images.dtype.kind not in "iu" or (images.size and (images.min() < 0 or images.max() > 255)):
        raise InvalidDocument(
            f"{key}: {images.dtype} numbers, needs whole ones from 0 to 255; images in 0..1 are to be "
            "multiplied by 255 and rounded; nothing was predicted"
        )
    return images.astype(np.uint8)


def answer(served: Served, images: NDArray[np.uint8], *, target: str) -> dict[str, Any]:
    """Classify images; predictions in their order, with the version that made them."""
    names = served.classifier.signature.classes
    chances = served.classifier.predict(images).tolist()
    return {
        "predictions": [_prediction(names, each) for each in chances],
        "model": {"name": target, "version": served.registry_version},
    }


def _prediction(names: tuple[str, ...], chances: list[float]) -> dict[str, Any]:
    best = max(range(len(names)), key=chances.__getitem__)
    return {
        "class": names[best],
        "probability": chances[best],
        "probabilities": dict(zip(names, chances, strict=True)),
    }
