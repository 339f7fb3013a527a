"""Small worlds: digits with few epochs, and photographs in the layouts that real copies have."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.reproduction.place import Place
from tasks.reproduction.run import Work, reproduce
from tasks.reproduction.study import Scope, Study, settle
from tasks.reproduction.worlds.digits import Digits

STUDY = Study(
    dataset="digits",
    size=8,
    labels="",
    target_period="",
    budget=20,
    epochs=1,
    lr=1e-3,
    source_epochs=1,
    source_lr=1e-3,
    start="auto",
)


@dataclass
class Bench:
    """Runs a reproduction of digits here, and hears what it tells."""

    out: Path
    said: list[str] = field(default_factory=list)
    settled: int = 0
    stop_at: str = "never"

    @property
    def place(self) -> Place:
        return Place(self.out)

    def say(self, line: str) -> None:
        self.said.append(line)
        if self.stop_at in line:
            raise KeyboardInterrupt

    def work(self, *peers: str, seeds: tuple[int, ...] = (0,), measured=lambda: 0) -> Work:
        def settled() -> None:
            self.settled += 1

        return Work(
            study=STUDY,
            scope=Scope(architectures=("grasp/digits-cnn",), seeds=seeds, peers=peers),
            world=Digits(STUDY.budget),
            place=self.place,
            device=torch.device("cpu"),
            say=self.say,
            measured=measured,
            settled=settled,
        )

    def run(self, *peers: str, **given) -> int:
        settle(STUDY, self.out)
        self.said.clear()
        return reproduce(self.work(*peers, **given))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "out")


@pytest.fixture
def paint():
    """Save an image whose shade tells its class, of pixels that no other has."""
    rng = np.random.default_rng(0)

    def save(path: Path, shade: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(shade, shade + 60, (12, 10, 3), np.uint8)).save(path)

    return save


@pytest.fixture
def yearbook(tmp_path: Path, paint) -> Path:
    """Portraits of four periods; women in the brighter photographs; one file is broken."""
    root = tmp_path / "yearbook"
    faces = root / "faces_aligned_small_mirrored_co_aligned_cropped_cleaned"
    for year in (1910, 1955, 1975, 1995):
        for number in range(20):
            paint(faces / "F" / f"{year}_a_{number}.png", 180)
            paint(faces / "M" / f"{year}_a_{number}.png", 20)
    (faces / "M" / "1995_broken.png").write_bytes(b"no image")
    return root


@pytest.fixture
def clear(tmp_path: Path, paint) -> Path:
    """Two classes and a background in ten years."""
    root = tmp_path / "clear"
    for year in range(1, 11):
        for name, shade in (("BACKGROUND", 90), ("bus", 20), ("soccer", 180)):
            for number in range(10):
                paint(root / "labeled_images" / str(year) / name / f"{number}.png", shade)
    (root / "class_names.txt").write_text("BACKGROUND\nbus\nsoccer\n")
    return root
