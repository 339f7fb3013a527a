"""Users of the store, the two buckets, and who may do what there."""

import json
import subprocess
from importlib.resources import files
from typing import Any

from pydantic import SecretStr

from deployments.stack.environment import REGION
from deployments.stack.layout import ARTIFACTS, BUCKET, Layout
from deployments.stack.units import CEPH
from deployments.supervision.unit import HOST
from tasks.bucket.client import client_of
from tasks.bucket.notifications import tell_about_manifests
from tasks.bucket.store import Store
from tasks.settings import StoreSettings

USERS = ("owner", "operator", "pipeline", "publisher", "artifacts")
GRANTS = {"publisher": ("publisher",), "pipeline": ("pipeline",), "operator": ("pipeline", "operator")}


def make_buckets(layout: Layout) -> None:
    """Make users and buckets that are not there, and set the policy of the pipeline's bucket."""
    for user in USERS:
        _make_user(layout, user)
    owner = settings_of(layout, "owner")
    for settings in (owner, settings_of(layout, "artifacts", ARTIFACTS)):
        Store.from_settings(settings).create_bucket()
    client_of(owner).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy()))
    tell_about_manifests(
        owner,
        topic="arrivals",
        endpoint=f"http://{HOST}:{layout.ports.receiver}/events",
        secret=layout.secrets.receiver,
    )


def policy() -> dict[str, Any]:
    """Give the bucket's policy: those of `deployments/policies`, each for its user; any series."""
    granted: list[dict[str, Any]] = []
    for user, names in GRANTS.items():
        for name in names:
            text = (files("deployments") / "policies" / f"{name}.json").read_text()
            for statement in json.loads(text.replace("BUCKET", BUCKET).replace("SERIES", "*"))["Statement"]:
                whom = {"Principal": {"AWS": [f"arn:aws:iam:::user/{user}"]}, "Sid": f"s{len(granted)}"}
                granted.append({**statement, **whom})
    return {"Version": "2012-10-17", "Statement": granted}


def settings_of(layout: Layout, user: str, bucket: str = BUCKET) -> StoreSettings:
    """Give the settings with which a user reaches the gateway itself."""
    return StoreSettings(
        bucket=bucket,
        endpoint_url=f"http://{HOST}:{layout.ports.ceph}",
        region=REGION,
        access_key_id=user,
        secret_access_key=SecretStr(str(getattr(layout.secrets, f"s3_{user}"))),
    )


def _make_user(layout: Layout, name: str) -> None:
    """Make a user of the gateway; one that is there keeps his key."""
    ceph = ["bash", str(CEPH), str(layout.directory / "ceph"), str(layout.ports.ceph)]
    secret = getattr(layout.secrets, f"s3_{name}")
    done = subprocess.run([*ceph, "user", name, name, secret], capture_output=True, text=True, check=False)
    if done.returncode and "exists" not in done.stderr:
        raise RuntimeError(f"radosgw-admin: user {name}: {done.stderr.strip()[-500:]}; tried again")
