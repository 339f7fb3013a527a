"""What there is to see of a stack: its units, addresses, disk use and versions."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deployments.machine.layout import DATA, NAMED, Layout, own_settings, servers_to_start
from deployments.supervision.state import status_of, supervisor_of
from deployments.supervision.unit import Progress
from tasks.credentials.redact import shown_address

PACKAGES = ("grasp-pipeline", "prefect", "mlflow", "torch")
GIB = 1024**3


def lines_of(layout: Layout) -> Iterator[str]:
    """Give what a person wants to know, line by line."""
    supervisor, status = supervisor_of(layout.data), status_of(layout.data)
    if supervisor is None:
        yield "down; grasp up starts it"
    else:
        yield f"{'up' if status.up else 'coming up'}, supervisor {supervisor.pid}"
        for name, progress in status.units.items():
            yield f"  {name:<11} {_said(progress)}"
    yield from addresses(layout)
    yield from _disk(layout)
    yield f"versions: {', '.join(_versions())}"
    yield f"logs: {layout.data / 'logs'}"


def is_down(directory: Path) -> bool:
    """Whether a stack lies in the directory that nobody runs."""
    kept = directory / DATA
    return (kept / "machine.json").is_file() and supervisor_of(kept) is None


def _said(progress: Progress) -> str:
    started = f", since {_age(time.time() - progress.since)}" if progress.since and progress.pid else ""
    again = f", started {progress.starts} times" if progress.starts > 1 else ""
    return f"{progress.state}{started}{again}" + (f", process {progress.pid}" if progress.pid else "")


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def addresses(layout: Layout) -> Iterator[str]:
    """Give where each server is, and whose."""
    own = own_settings(layout.directory)
    ours = servers_to_start(own)
    for server, name in (("mlflow", "MLflow"), ("prefect", "Prefect"), ("s3", "S3")):
        if server in ours:
            yield f"{name:<8} {layout.address(server)}"
        else:
            yield f"{name:<8} yours: {shown_address(own[NAMED[server]])}"


def _disk(layout: Layout) -> Iterator[str]:
    sizes = {each.name: _size(each) for each in sorted(layout.data.iterdir()) if each.is_dir()}
    used = ", ".join(f"{name} {size / GIB:.2f}" for name, size in sizes.items())
    free = shutil.disk_usage(layout.data).free / GIB
    yield f"disk, GiB: {used}; {free:.1f} free"


def _size(directory: Path) -> int:
    """Add up the files below a directory that are there while we look."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += os.lstat(Path(folder, name)).st_size
    return total


def _versions() -> Iterator[str]:
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            yield f"{package} {version(package)}"
    yield f"Python {sys.version.partition(' ')[0]}"
