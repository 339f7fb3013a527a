"""Strict reading of JSON documents: nothing ambiguous, nothing oversized, nothing unknown."""

import json
from typing import Any, Never, TypeVar

from pydantic import ValidationError

from tasks.contracts.base import SCHEMA_VERSION, Document
from tasks.errors import InvalidDocument, NewerSchema
from tasks.printable import printable
from tasks.problems import first_problem

MAX_DOCUMENT_BYTES = 256 * 1024
MAX_DEPTH = 8

D = TypeVar("D", bound=Document)


def read_document(model: type[D], body: bytes, *, name: str) -> D:
    """Parse a document of at most 256 KiB and depth 8; name is the object named in errors.

    Raises InvalidDocument for anything that breaks the contract (not UTF-8, a BOM, duplicate keys, NaN,
    unknown fields, wrong types), NewerSchema when schema_version is above ours.
    """
    text = _text(body, name=name)
    _check_depth(text, name=name)
    raw = _parse(text, name=name)
    _check_schema_version(raw, name=name, known=model.newest_schema)
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise InvalidDocument(f"{name}: {first_problem(error)}") from error
    except (ValueError, ArithmeticError, RecursionError) as error:  # whatever a stranger may still think of
        raise InvalidDocument(f"{name}: cannot be read: {printable(str(error), limit=200)}") from error


def _text(body: bytes, *, name: str) -> str:
    if len(body) > MAX_DOCUMENT_BYTES:
        raise InvalidDocument(f"{name}: is {len(body)} bytes, at most {MAX_DOCUMENT_BYTES} are read")
    if body.startswith(b"\xef\xbb\xbf"):
        raise InvalidDocument(f"{name}: starts with a byte order mark, needs plain UTF-8")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"{name}: is not UTF-8 at byte {error.start}") from error


def _check_depth(text: str, *, name: str) -> None:
    depth, in_string, escaped = 0, False, False
    for char in text:
        if in_string:
            escaped, in_string = char == "\\" and not escaped, char != '"' or escaped
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidDocument(f"{name}: is nested deeper than {MAX_DEPTH} levels")
        elif char in "]}":
            depth -= 1


def _parse(text: str, *, name: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InvalidDocument(f"{name}: key {printable(key, limit=200)!r} stands twice in one object")
            found[key] = value
        return found

    def refuse(constant: str) -> Never:
        raise InvalidDocument(f"{name}: holds {constant}, needs finite numbers")

    try:
        raw = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except ValueError as error:
        raise InvalidDocument(f"{name}: is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidDocument(f"{name}: is a JSON {type(raw).__name__}, needs an object")
    return raw


def check_schema_version(body: bytes, *, name: str, known: int = SCHEMA_VERSION) -> None:
    """Raise NewerSchema when a document that could not be read says that newer code wrote it."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return  # whoever reads it says what is wrong with it
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if type(version) is int and version > known:
        _check_schema_version({"schema_version": version}, name=name, known=known)


def _check_schema_version(raw: dict[str, Any], *, name: str, known: int = SCHEMA_VERSION) -> None:
    version = raw.get("schema_version")
    if type(version) is not int or version < 1:
        raise InvalidDocument(f"{name}: schema_version is {version!r}, needs {SCHEMA_VERSION}")
    if version > known:
        raise NewerSchema(f"{name}: schema_version is {version}, this code reads up to {known}; update it")
