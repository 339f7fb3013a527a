"""The reference of all documents in the bucket, from their JSON Schemas."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from made.settings import table
from tasks.contracts.schemas import schemas

Schema = Mapping[str, Any]


def page() -> str:
    """Give every document: what it is, its fields, its schema."""
    lines = ["# Documents in the bucket", ""]
    for file, text in schemas().items():
        schema = json.loads(text)
        lines += [f"## {file.removesuffix('.json')}", "", f"Schema: [`{file}`](../../schemas/{file})", ""]
        lines += _object(schema)
        for name, part in schema.get("$defs", {}).items():
            if "properties" in part:
                lines += [f"### {name}", "", *_object(part)]
    return "\n".join(lines) + "\n"


def _object(schema: Schema) -> Iterator[str]:
    if "description" in schema:
        yield from (schema["description"], "")
    if "properties" in schema:
        needed = schema.get("required", ())
        rows = [_row(name, field, name in needed) for name, field in schema["properties"].items()]
        yield from (*table(("field", "type", "default", "meaning"), rows), "")


def _row(name: str, field: Schema, needed: bool) -> tuple[str, str, str, str]:
    default = "needed" if needed else f"`{json.dumps(field['default'])}`" if "default" in field else ""
    return f"`{name}`", _type(field), default, field.get("description", "").replace("\n", " ")


def _type(field: Schema) -> str:
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if "anyOf" in field or "oneOf" in field:
        return " or ".join(dict.fromkeys(_type(each) for each in field.get("anyOf") or field["oneOf"]))
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return " or ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kind = str(field.get("format") or field.get("type") or "any")
    if kind == "array":
        return f"list of {_type(field.get('items') or {})}"
    return kind + "".join(f", {word} {field[key]}" for key, word in LIMITS.items() if key in field)


LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
    "maxLength": "at most characters:",
}
