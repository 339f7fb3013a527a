"""Where everything lies in the bucket, and what a key says of an arrival."""

import hashlib
import re
from datetime import UTC, datetime
from typing import NamedTuple

BLOBS = "blobs/sha256/"
MANIFESTS = "manifests/"
NOTICES = "notices/"
TARGETS = "targets/"
DATASETS = "datasets/"
JOURNAL = "journal/"
ASIDE = "aside/"  # what was moved out of the way, under its old key

_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
_TARGET = re.compile(rf"\Atargets/({_NAME})/target\.json\Z")
_MANIFEST = re.compile(rf"\Amanifests/({_NAME})/({_NAME})/([1-9][0-9]{{0,8}})\.json\Z")


class ManifestKey(NamedTuple):
    """The parts of a manifest's key."""

    series: str
    label: str
    rev: int


def blob_key(sha256: str) -> str:
    """Give the key of the weights with this digest."""
    return f"{BLOBS}{sha256}.safetensors"


def manifest_key(series: str, label: str, rev: int) -> str:
    """Give the key of a manifest."""
    return f"{MANIFESTS}{series}/{label}/{rev}.json"


def parse_manifest_key(key: str) -> ManifestKey | None:
    """Read a manifest's key; None when the key is a stray, outside the contract."""
    match = _MANIFEST.match(key)
    return ManifestKey(match[1], match[2], int(match[3])) if match else None


def arrival_id(key: str) -> str:
    """Name an arrival: SHA-256 (hex) of its manifest's key, so that a listing is enough to know it."""
    return hashlib.sha256(key.encode()).hexdigest()


def notice_hour(moment: datetime) -> str:
    """Give the prefix of the notices of one UTC hour; ends with a slash."""
    return f"{NOTICES}{moment.astimezone(UTC):%Y-%m-%dT%H}/"


def notice_key(moment: datetime, arrival: str) -> str:
    """Give the key of a notice."""
    return notice_hour(moment) + arrival


def target_key(name: str) -> str:
    """Give the key of a target's document."""
    return f"{TARGETS}{name}/target.json"


def parse_target_key(key: str) -> str | None:
    """Read a target's name out of its key; None when the key is a stray."""
    match = _TARGET.match(key)
    return match[1] if match else None


def journal_prefix(target: str) -> str:
    """Give the prefix of a target's journal; ends with a slash."""
    return f"{JOURNAL}{target}/"


def entry_key(target: str, seq: int) -> str:
    """Give the key of a journal entry; seq is dense from 1."""
    return f"{journal_prefix(target)}{seq:012d}.json"


def state_key(target: str) -> str:
    """Give the key of the cached fold of a target's journal."""
    return f"{journal_prefix(target)}state.json"


def projected_key(target: str) -> str:
    """Give the key of the seq that MLflow's aliases show."""
    return f"{journal_prefix(target)}projected.json"
