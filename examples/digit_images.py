"""Write a folder of images for the tutorial: digits of some periods, as PNG files, one folder per class.

python examples/digit_images.py photos

makes photos/2014, photos/2015, photos/2016 (what the sources are trained on) and photos/now (what the target
knows). They are the 1,797 digits that ship inside scikit-learn; over the years they tilt, blur and pale.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from grasp_core.data import digits

YEARS = ("2014", "2015", "2016")
STRENGTH = 1.0  # of the drift: 30 degrees from the first image to now


def write(folder: Path, split: digits.Split) -> None:
    """Write a split's images into one subfolder per class."""
    for image, label, name in zip(split.images, split.labels, split.ids, strict=True):
        path = folder / digits.CLASSES[label] / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)


def main(folder: Path) -> None:
    """Write all periods."""
    for number, year in enumerate(YEARS, start=1):
        write(folder / year, digits.source(number, of=len(YEARS), strength=STRENGTH, seed=number))
    now = digits.split(np.arange(1200, 1797), tau=1.0, strength=STRENGTH, seed=0)
    write(folder / "now", now)
    for each in sorted(folder.iterdir()):
        sys.stdout.write(f"{each}: {len(list(each.rglob('*.png')))} images\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
