"""What a tensor in a file must look like, and what one looked like. Dtypes in the file format's words."""

from typing import NamedTuple

ITEM_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
    "C64": 8,
}
FLOATS = ("F32", "F16", "BF16")  # what the bucket's contract lets a parameter be published in


class TensorSpec(NamedTuple):
    """Shape and the dtypes allowed for one tensor."""

    shape: tuple[int, ...]
    dtypes: tuple[str, ...]


class Found(NamedTuple):
    """One tensor as a header describes it; begin and end are bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int
