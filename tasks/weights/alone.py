"""Check a weights file by itself, with numpy only: where torch is not installed, as at a publisher's.

What it cannot say is whether the tensors are those of the architecture; a target says that on arrival.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tasks.errors import BadArrival
from tasks.weights.header import read_tensors
from tasks.weights.tensor_spec import FLOATS, ITEM_BYTES, Found

WHOLE = ("BOOL", "U8", "I8", "I16", "I32", "I64")  # what torch keeps in buffers that are no floats
CHUNK = 4 * 1024 * 1024  # values read at once


def check_alone(path: Path, *, object: str) -> None:  # noqa: A002
    """Check header, dtypes, and that every value is finite, without knowing the architecture.

    Raises BadArrival as check_source does: `weights_format`, `weights_tensors`, `weights_values`.
    """
    tensors = read_tensors(path, object=object)
    if not tensors:
        raise BadArrival("weights_tensors", object=object, found="no tensors", needed="the architecture's")
    for name, tensor in tensors.items():
        if tensor.dtype not in (*FLOATS, *WHOLE):
            raise BadArrival(
                "weights_tensors",
                object=object,
                found=f"tensor {name} is {tensor.dtype}",
                needed=" or ".join(FLOATS),
            )
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        for name, tensor in tensors.items():
            if tensor.dtype in FLOATS:
                file.seek(start + tensor.begin)
                _check_values(name, tensor, file, object=object)


def _check_values(name: str, tensor: Found, file: BinaryIO, *, object: str) -> None:  # noqa: A002
    broken = negative = 0
    for values in _chunks(tensor, file):
        broken += int(np.count_nonzero(~np.isfinite(values)))
        negative += int(np.count_nonzero(values < 0))
    if negative and name.endswith("running_var"):
        found, needed = f"values below 0 in tensor {name}", "variances, which are 0 or more"
    elif broken:
        found = f"{broken} of {math.prod(tensor.shape)} values of tensor {name} are NaN or infinite"
        needed = "finite values"
    else:
        return
    raise BadArrival("weights_values", object=object, found=found, needed=needed)


def _chunks(tensor: Found, file: BinaryIO) -> Iterator[NDArray[np.floating]]:
    left = tensor.end - tensor.begin
    while left:
        body = file.read(min(left, CHUNK * ITEM_BYTES[tensor.dtype]))
        if not body:
            return  # cut short since its header was read: the upload notices that
        left -= len(body)
        yield _floats(body, tensor.dtype)


def _floats(body: bytes, dtype: str) -> NDArray[np.floating]:
    """Read values; bfloat16, which numpy lacks, is the upper half of a float32."""
    if dtype == "BF16":
        return (np.frombuffer(body, "<u2").astype("<u4") << 16).view("<f4")
    return np.frombuffer(body, "<f2" if dtype == "F16" else "<f4")
