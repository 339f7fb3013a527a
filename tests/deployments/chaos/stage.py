"""A stack behind proxies, with a small disk for the cache where that can be."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployments.stack.layout import make_layout
from deployments.supervision.private import write_private
from tests.deployments.chaos.faults import mount_small
from tests.deployments.chaos.proxy import Proxy
from tests.deployments.stack.running import Stack
from tests.servers.fixtures import free_port

DOORS = ("prefect", "mlflow", "s3")


@dataclass(frozen=True)
class Staged:
    """A stack, and the proxies through which everybody reaches its doors."""

    stack: Stack
    proxies: dict[str, Proxy]
    has_small_cache: bool


@contextmanager
def staged(directory: Path) -> Iterator[Staged]:
    """Start a stack behind proxies, with a small disk for the cache where that can be; stop it in the end."""
    layout = make_layout(directory)
    proxies = {door: Proxy(free_port(), getattr(layout.ports, f"{door}_tls")) for door in DOORS}
    changed = layout.model_copy(update={"detours": {door: proxy.port for door, proxy in proxies.items()}})
    write_private(directory / "stack.json", changed.model_dump_json())
    is_small = mount_small(directory / "cache")
    stack = Stack(directory)
    try:
        yield Staged(stack, proxies, is_small)
    finally:
        stack.stop()
        for proxy in proxies.values():
            proxy.close()
        if is_small:
            subprocess.run(["umount", str(directory / "cache")], check=False, capture_output=True)
