"""dataset.json: the target's data, four splits of decoded images."""

from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.contracts.base import Classes, Document, FileName, InputSpec, Name, Sha256, Size

SMALL_SPLIT = 100  # samples of a gate below which its verdict says little


class File(Document):
    """One file beside dataset.json."""

    file: FileName
    sha256: Sha256
    size_bytes: Size


class Split(Document):
    """Images uint8 N x H x W x C (.npy), labels int64 N (.npy), ids a JSON list of N unique strings."""

    samples: int = Field(ge=1)
    images: File
    labels: File
    ids: File


class Splits(Document):
    """train: fine-tune; val: mask and epoch choice; gate: promotion; test: reported, decides nothing."""

    train: Split
    val: Split
    gate: Split
    test: Split


class Dataset(Document):
    """The target data of one name; its digest is the SHA-256 of this document's bytes."""

    schema_version: Literal[1] = 1
    name: Name
    classes: Classes
    input: InputSpec
    splits: Splits

    @model_validator(mode="after")
    def _no_shared_files(self) -> Self:
        names = [
            file.file
            for split in (self.splits.train, self.splits.val, self.splits.gate, self.splits.test)
            for file in (split.images, split.labels, split.ids)
        ]
        if len(set(names)) != len(names):
            raise ValueError("two splits name the same file; every split needs files of its own")
        return self
