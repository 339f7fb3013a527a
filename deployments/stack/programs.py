"""Find the programs of a stack, and start as nobody special those that refuse to run as root."""

import os
import shutil
from pathlib import Path

from tasks.errors import InvalidSettings

PACKAGES = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "psql": "postgresql",
    "redis-server": "redis-server",
    "nginx": "nginx",
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "radosgw": "radosgw",
    "ceph": "ceph-common",
    "openssl": "openssl",
    "curl": "curl",
}
# Debian keeps PostgreSQL's programs beside each other by version, and servers where only root looks.
_ELSEWHERE = ("/usr/lib/postgresql/*/bin", "/usr/sbin", "/usr/local/sbin")


def program(name: str) -> str:
    """Give the path of a program. Raises InvalidSettings with the packages that are missing."""
    found = _find(name)
    if found is None:
        missing = missing_packages()
        raise InvalidSettings(
            f"the stack needs {name}, which is not installed; nothing was started. On Debian: "
            f"apt-get install --no-install-recommends {' '.join(missing)}"
        )
    return found


def missing_packages() -> list[str]:
    """Give the Debian packages that have to be installed before a stack can start."""
    return sorted({package for name, package in PACKAGES.items() if _find(name) is None})


def without_root(*command: str) -> tuple[str, ...]:
    """Give a command that runs with this user's files, but not as root.

    PostgreSQL refuses to run as root, and nginx as root gives its files to another user. In a user namespace
    root is somebody else, and whatever belongs to root belongs to him.
    """
    if os.getuid() != 0:
        return command
    return (program("unshare"), "--user", "--map-user=1000", "--map-group=1000", *command)


def _find(name: str) -> str | None:
    if found := shutil.which(name):
        return found
    places = (place for pattern in _ELSEWHERE for place in sorted(Path("/").glob(pattern[1:]), reverse=True))
    return next((str(place / name) for place in places if os.access(place / name, os.X_OK)), None)
