"""Several watches that share the targets: prefect.yaml's own, and copies of it."""

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import yaml

WATCH = "watch"
_NAME = re.compile(rf"\A{WATCH}(-\d+)?\Z")


def with_watches(document: str, count: int) -> str:
    """Write a prefect.yaml with so many watches, which share the targets: watch, watch-2 and so on."""
    if count == 1:
        return document
    project = yaml.safe_load(document)
    deployments = []
    for deployment in project["deployments"]:
        mine = range(1, count + 1) if deployment["name"] == WATCH else ()
        deployments += [_share(deployment, share, of=count) for share in mine] or [deployment]
    return str(yaml.safe_dump({**project, "deployments": deployments}, sort_keys=False))


def watches_in(names: Iterable[str]) -> list[str]:
    """Give those names that are of watches."""
    return sorted(name for name in names if _NAME.match(name))


def name_of(share: int) -> str:
    """Name the watch of a share; the first is the only one where nothing is shared."""
    return WATCH if share == 1 else f"{WATCH}-{share}"


def _share(deployment: dict[str, Any], share: int, *, of: int) -> dict[str, Any]:
    own = deepcopy(deployment)
    own["name"] = name_of(share)
    own["parameters"] = {"share": share, "shares": of}
    if share > 1:
        for trigger in own["triggers"]:
            trigger["name"] += f" ({share})"
    return own
