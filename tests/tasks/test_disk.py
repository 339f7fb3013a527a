"""Trouble of the disk is told from whatever a library makes of it."""

import errno
import sqlite3

import pytest
from mlflow.exceptions import MlflowException
from safetensors import SafetensorError

from tasks.disk import disk_trouble


def wrapped(cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("the upload failed") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/cache/x"), "is full at /cache/x"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "quota"),
        (OSError(errno.EROFS, "Read-only file system"), "is read-only"),
        (OSError(errno.EIO, "Input/output error"), "I/O error"),
        (
            SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
            "is full",
        ),
        (SafetensorError("I/O error: Read-only file system (os error 30)"), "is read-only"),
        (
            MlflowException("failures:\n##### File x #####\n[Errno 28] No space left on device: '/w/x'"),
            "full",
        ),
        (sqlite3.OperationalError("database or disk is full"), "is full"),
        (wrapped(OSError(errno.ENOSPC, "No space left on device")), "is full"),
    ],
)
def test_trouble_of_the_disk_is_named(error: Exception, said: str):
    assert said in disk_trouble(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("boom"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        PermissionError(errno.EACCES, "no"),
        SafetensorError("Error while deserializing header: HeaderTooLarge"),
        MlflowException("RESOURCE 28 is not there"),
    ],
)
def test_other_errors_are_not(error: Exception):
    assert disk_trouble(error) is None
