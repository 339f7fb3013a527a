"""Look for passwords in all that a stack has kept, and for pickles in its processes."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deployments.stack.layout import Layout
from deployments.stack.parts.buckets import settings_of
from deployments.stack.programs import program
from deployments.supervision.unit import HOST
from tasks.bucket.client import client_of

# where a password has to stand: settings for their owner alone, and the servers' own files
KEEPERS = ("stack.json", "operator.env", "pipeline.env", "publisher.env", "auth.ini", "redis.conf")
SERVERS_OWN = ("ceph", "postgres")  # read through the servers instead
HOOK = """
import os, sys
def hook(event, arguments, seen=set()):
    if event == "pickle.find_class" and arguments not in seen:
        seen.add(arguments)
        with open(os.environ["PICKLE_LOG"], "a") as log:
            log.write(f"{' '.join(sys.orig_argv)[:300]}\\t{'.'.join(map(str, arguments))}\\n")
sys.addaudithook(hook)
"""


def watch_for_pickles(directory: Path) -> dict[str, str]:
    """Give the environment in which every Python process notes what it unpickles."""
    (directory / "sitecustomize.py").write_text(HOOK)
    return {"PYTHONPATH": str(directory), "PICKLE_LOG": str(directory / "pickles")}


def passwords(layout: Layout) -> dict[str, bytes]:
    """Give every password of a stack by its name."""
    return {name: value.encode() for name, value in layout.secrets.model_dump().items()}


def kept(layout: Layout) -> Iterator[tuple[str, bytes]]:
    """Give all that was kept: files, both buckets object by object, all databases as text."""
    for folder, names, files in os.walk(layout.directory):
        here = Path(folder)
        names[:] = [name for name in names if here != layout.directory or name not in SERVERS_OWN]
        for name in files:
            if name not in KEEPERS and (here / name).is_file():
                yield str(here / name), (here / name).read_bytes()
    yield "postgres", _databases(layout)
    # not as the owner of the bucket: with Ceph he may not read what others wrote
    for user, bucket in (("pipeline", "grasp"), ("artifacts", "mlflow")):
        client = client_of(settings_of(layout, user, bucket))
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", []):
                if each["Size"] == 0:  # notices, which the pipeline lists and does not read
                    continue
                yield (
                    f"s3://{bucket}/{each['Key']}",
                    client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read(),
                )


def _databases(layout: Layout) -> bytes:
    command = [program("pg_dumpall"), "-h", HOST, "-p", str(layout.ports.postgres), "-U", "postgres"]
    environment = {**os.environ, "PGPASSWORD": layout.secrets.postgres}
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout
