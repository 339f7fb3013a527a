"""What a registered version says of image files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from grasp_core.data.decoding import decode
from grasp_core.errors import InvalidData
from tasks.absorbing.measure import expected_digests
from tasks.absorbing.recorded import fetch_known
from tasks.absorbing.work import Work
from tasks.errors import InvalidDocument
from tasks.tracking.serving import Classifier, load


class Predicted(NamedTuple):
    """An image and the classes that it may show, most probable first; probabilities in [0, 1]."""

    image: Path
    classes: tuple[tuple[str, float], ...]


def classifier_of(work: Work, version: int) -> Classifier:
    """Load a version, its bytes checked against the journal. Raises NotThere, StoredDiffers."""
    expected_digests(work, version)  # unknown to the journal: it says so
    with work.directory() as directory:
        return load(fetch_known(work, version, directory).served.parent)


def predict(classifier: Classifier, images: Sequence[Path], *, top: int) -> Iterator[Predicted]:
    """Classify image files one by one, decoded as target data are. Raises InvalidDocument for no image."""
    size, names = classifier.signature.input, classifier.signature.classes
    for path in images:
        try:
            image = decode(path, height=size.height, width=size.width, channels=size.channels)
        except InvalidData as error:
            said = str(error).removesuffix("; the image is skipped")
            raise InvalidDocument(f"{said}; not predicted") from error
        (chances,) = classifier.predict(image[None]).tolist()
        ranked = sorted(zip(names, chances, strict=True), key=lambda pair: -pair[1])
        yield Predicted(path, tuple(ranked[:top]))
