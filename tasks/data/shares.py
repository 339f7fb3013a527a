"""How many images of each class every split gets: a class may vanish from a split, but not without a word."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from grasp_core.data.folder import Sample
from tasks.data.datasets import SPLITS

MOST = 0.5  # the greatest share that the options let through
PER_CLASS = {"val": 2, "test": 1}  # images that fill val, gate (half of val) and test


def thin_classes(
    classes: Sequence[str], splits: Mapping[str, Sequence[Sample]], *, lacking: Collection[str] = ()
) -> tuple[str, ...]:
    """Say of each class that some split has no image of how many images each split has of it.

    lacking: classes that nobody expects here, of which nothing is said.
    """
    counts = {split: Counter(sample.label for sample in splits[split]) for split in SPLITS if split in splits}
    return tuple(
        f"class {name!a}: {', '.join(f'{split} {count[label]}' for split, count in counts.items())}"
        for label, name in enumerate(classes)
        if name not in lacking and not all(count[label] for count in counts.values())
    )


def cure(sound: Mapping[str, Sequence[Sample]], needed: Sequence[str]) -> str:
    """Say what fills the splits: images where the folder is split already, else images or other shares.

    sound: the folder's samples under their split, or all under "". needed: val alone, or val and test.
    """
    if "" not in sound:
        return "put images of each class into each split"
    fewest = min(Counter(sample.label for sample in sound[""]).values(), default=0)
    wanted = {split: PER_CLASS[split] if "test" in needed else 1 for split in needed}
    if fewest == 0 or max(wanted.values()) / fewest > MOST:
        least = math.ceil(max(wanted.values()) / MOST)
        options = " and ".join(f"--{split}" for split in needed)
        return f"a class needs {least} images or more, and {options} say what share of them each split gets"
    options = " ".join(f"--{split} {math.ceil(100 * n / fewest) / 100:g}" for split, n in wanted.items())
    return f"{options} gives every split some of each class, also of the one with {fewest} images"
