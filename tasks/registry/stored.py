"""The bytes of a registered version: fetched back from MLflow's artifact store and compared with digests."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import list_artifacts

from tasks.contracts.base import ModelSignature
from tasks.errors import NotThere, StoredDiffers
from tasks.journal.ancestry import Ancestor
from tasks.private import private_directory
from tasks.tracking.api import answering, download
from tasks.tracking.serving import ANCESTORS, SERVED, SIGNATURE, STEM, read_ancestry, read_signature

CARD = "README.md"  # beside MLmodel


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFiles:
    """A version's files on this machine; stem is None where the served model is its own stem."""

    served: Path
    stem: Path | None
    signature: ModelSignature
    ancestors: tuple[Ancestor, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDigests:
    """SHA-256 (hex) that a version's files must have; stem is None where it has no such file."""

    served: str
    stem: str | None


def fetch_version(
    client: MlflowClient,
    target: str,
    *,
    version: int,
    directory: Path,
    expected: ModelDigests | None = None,
) -> ModelFiles:
    """Download a version's model files into a private directory, and check them where digests are given.

    Raises NotThere when the version or its bytes are gone, StoredDiffers when a file is another.
    """
    where = data_of_version(client, target, version=version)
    return fetch_data(client, where, subject=_name(target, version), directory=directory, expected=expected)


def data_of_version(client: MlflowClient, target: str, *, version: int) -> str:
    """Give the address of a version's files. Raises NotThere when the version or one of them is gone."""
    subject = _name(target, version)
    with answering(subject):
        uri = client.get_model_version_download_uri(target, str(version)).rstrip("/") + "/data"
        if missing := _missing(client, uri):
            raise NotThere(f"{subject}: {', '.join(missing)} {_gone(client, target, version)}")
    return uri


def data_of_model(client: MlflowClient, model_id: str) -> str:
    """Give the address of a logged model's files. Raises NotThere when the model or one of them is gone."""
    with answering(f"logged model {model_id}"):
        uri = str(client.get_logged_model(model_id).artifact_location).rstrip("/") + "/data"
        if missing := _missing(client, uri):
            raise NotThere(f"logged model {model_id}: {', '.join(missing)} are gone from the artifact store")
    return uri


def fetch_data(
    client: MlflowClient, uri: str, *, subject: str, directory: Path, expected: ModelDigests | None
) -> ModelFiles:
    """Download the files at an address as fetch_version does. subject: whose they are, for errors."""
    with answering(subject):
        data = download(client, uri, directory)
    stem = data / STEM if (data / STEM).is_file() else None
    if expected:
        _compare(subject, expected, served=data / SERVED, stem=stem)
    return ModelFiles(
        served=data / SERVED,
        stem=stem,
        signature=read_signature(data),
        ancestors=read_ancestry(data).ancestors,
    )


def fetch_card(client: MlflowClient, target: str, *, version: int, directory: Path) -> Path:
    """Download a version's model card. Raises NotThere when the version or its card is gone."""
    with answering(f"version {version} of {target}"):
        uri = client.get_model_version_download_uri(target, str(version)).rstrip("/")
        listed = list_artifacts(artifact_uri=uri, tracking_uri=client.tracking_uri)
        if CARD not in {Path(file.path).name for file in listed}:
            raise NotThere(f"version {version} of {target}: {CARD} {_gone(client, target, version)}")
        return download(client, f"{uri}/{CARD}", directory)


def verify_stored(
    client: MlflowClient, target: str, *, version: int, expected: ModelDigests, scratch: Path
) -> None:
    """Read a version's files back from the artifact store and compare them. Raises as fetch_version.

    scratch: below it a private directory holds them meanwhile.
    """
    with private_directory(scratch) as directory:
        fetch_version(client, target, version=version, directory=directory, expected=expected)


def _name(target: str, version: int) -> str:
    return f"version {version} of {target}"


def _missing(client: MlflowClient, uri: str) -> list[str]:
    # A download of what is not there looks like a network error, so the listing is asked first.
    there = list_artifacts(artifact_uri=uri, tracking_uri=client.tracking_uri)
    return sorted({SERVED, SIGNATURE, ANCESTORS} - {Path(file.path).name for file in there})


def _gone(client: MlflowClient, target: str, version: int) -> str:
    pruned = client.get_model_version(target, str(version)).tags.get("pruned")
    return f"were pruned, {pruned}" if pruned else "are gone from MLflow's artifact store"


def _compare(subject: str, expected: ModelDigests, *, served: Path, stem: Path | None) -> None:
    needed: Mapping[str, str | None] = {SERVED: expected.served, STEM: expected.stem}
    for name, path in {SERVED: served, STEM: stem}.items():
        found = _sha256(path) if path else None
        if found != needed[name]:
            raise StoredDiffers(
                f"{subject}: {name} has SHA-256 {found or '(no file)'}, {needed[name] or 'none'} was logged; "
                "the version is not used"
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
