"""A registered model by name: `load_model("models:/digits-now@champion", tracking_uri=...)`, an nn.Module."""

import re
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from torch import nn

from tasks.errors import NotThere
from tasks.registry.stored import ModelDigests, fetch_version
from tasks.tracking.api import answering, connect
from tasks.tracking.serving import Classifier, load

_NAME = re.compile(r"\Amodels:/(?P<target>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[1-9][0-9]*))\Z")


def load_model(name: str, *, tracking_uri: str) -> nn.Module:
    """Load the served model behind models:/<target>@<alias> or models:/<target>/<version>.

    It comes in eval mode, in float32 on the CPU, with the bytes that were registered: it maps normalised
    images N x C x H x W to logits N x K. Raises NotThere, StoredDiffers, TrackingUnavailable.
    """
    match = _NAME.match(name)
    if match is None:
        raise NotThere(
            f"{name}: is no model's name, needs models:/<target>@<alias> or models:/<target>/<version>"
        )
    client, target = connect(tracking_uri), match["target"]
    version = int(match["version"] or _behind(client, target, match["alias"]))
    return load_classifier(client, target, version=version).module


def load_classifier(client: MlflowClient, target: str, *, version: int) -> Classifier:
    """Load a registered version with its class names; its bytes are those that were registered.

    Raises NotThere, StoredDiffers, TrackingUnavailable.
    """
    with answering(f"version {version} of {target}"):
        tags = client.get_model_version(target, str(version)).tags
    expected = None
    if tags.get("served_sha256"):
        expected = ModelDigests(served=tags["served_sha256"], stem=tags.get("stem_sha256") or None)
    with tempfile.TemporaryDirectory() as scratch:
        files = fetch_version(client, target, version=version, directory=Path(scratch), expected=expected)
        return load(files.served.parent)


def _behind(client: MlflowClient, target: str, alias: str) -> str:
    with answering(f"alias {alias} of {target}"):
        return str(client.get_model_version_by_alias(target, alias).version)
