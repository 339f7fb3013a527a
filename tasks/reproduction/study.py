"""What a reproduction measures: what its first run fixes, and what later runs may add."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from tasks.contracts.base import Document
from tasks.errors import InvalidDocument, OperationRefused
from tasks.problems import first_problem

DatasetName = Literal["yearbook", "clear10", "clear100", "emoji", "digits"]
Start = Literal["auto", "pretrained", "random"]
STUDY, TRAINED, DATA = "study.json", "sources.jsonl", "data"  # below a study's place
DECIDES_DATA = {"dataset", "size", "labels", "target_period"}
PAPER = (  # its four networks, the smallest first
    "timm/mobilevit_xxs",
    "timm/mobilevit_xs",
    "torchvision/efficientnet_b1",
    "torchvision/resnet50",
)


class Study(Document):
    """study.json: what has to be equal for two cells to compare."""

    dataset: DatasetName
    size: int  # side of the images, in pixels
    labels: str  # what portraits are told by; empty elsewhere
    target_period: str  # empty: the last
    budget: int  # labels of the target, val included; 0: all
    epochs: int  # of a fine-tune per source
    lr: float
    source_epochs: int
    source_lr: float
    start: Start  # what a source's training starts from


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What is measured of a study; more of it may be asked for later."""

    architectures: tuple[str, ...]
    seeds: tuple[int, ...]
    peers: tuple[str, ...]


def settle(study: Study, out: Path) -> None:
    """Make out the place of this study. Raises OperationRefused when it holds another, or other things.

    A study that nothing was made for yet gives way to another.
    """
    file = out / STUDY
    if not file.exists():
        if out.exists() and any(each for each in out.iterdir() if not each.name.startswith(".")):
            raise OperationRefused(
                f"{out}: is not empty and has no {STUDY}, so no reproduction began here; name another --out; "
                "nothing was done"
            )
        out.mkdir(parents=True, exist_ok=True)
        _write(study, file)
        return
    try:
        found = json.loads(file.read_text())
        Study.model_validate(found)
    except ValidationError as error:
        raise InvalidDocument(f"{file}: {first_problem(error)}; name another --out") from error
    except ValueError as error:
        raise InvalidDocument(f"{file}: is no JSON ({error}); name another --out") from error
    wanted = study.model_dump(mode="json")
    names = [name for name in wanted if found[name] != wanted[name]]
    other = [f"{name} {found[name]!r}" for name in names]
    if names and not (out / TRAINED).exists() and not (DECIDES_DATA & set(names) and (out / DATA).exists()):
        _write(study, file)
    elif names:
        needed = ", ".join(f"{name} {wanted[name]!r}" for name in names)
        raise OperationRefused(
            f"{out}: holds a study with {', '.join(other)}, asked for was {needed}; their figures would "
            "not compare; name another --out; nothing was done"
        )


def _write(study: Study, file: Path) -> None:
    draft = file.with_name(f".{file.name}")
    draft.write_text(study.model_dump_json(indent=1) + "\n")
    draft.replace(file)
