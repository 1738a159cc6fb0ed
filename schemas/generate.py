"""The contracts in forms that other languages read: JSON Schemas from messages.py, YAML from tables.py, AsyncAPI.

The files are committed and checked to be equal to what is generated here: `python -m schemas --check`.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import yaml

from schemas import asyncapi
from schemas.messages import DeadLetter, DocumentEvent, Query, Response
from schemas.tables import TABLES, TABLES_VERSION

_HOW = "generated; to change it, change the Python and run: python -m schemas --write"

#: name of a message (as in topics/*.yaml) -> {version: class}
MESSAGES: dict[str, dict[int, type]] = {
    "document": {1: DocumentEvent},
    "query": {1: Query},
    "response": {1: Response},
    "dead_letter": {1: DeadLetter},
}

_GIVEN = {"type": "string"}
_NULL = {"type": "null"}

#: Rules across fields (rules.py), as far as JSON Schema can say them: (message, definition) -> keywords.
_RULES: dict[tuple[str, str], dict[str, Any]] = {
    ("document", "DocumentEvent"): {
        "if": {"properties": {"deleted": {"const": True}}, "required": ["deleted"]},
        "then": {"properties": {"version": {"type": "integer"}}, "required": ["version"]},
        "else": {
            "oneOf": [
                {"properties": {"content": _GIVEN, "content_base64": _NULL}, "required": ["content"]},
                {"properties": {"content": _NULL, "content_base64": _GIVEN}, "required": ["content_base64"]},
                {
                    "properties": {"content": _NULL, "content_base64": _NULL, "uri": _GIVEN},
                    "required": ["uri"],
                },
            ]
        },
    },
    ("query", "AsOfRequest"): {
        "oneOf": [
            {"properties": {"seq": {"type": "integer"}, "time": _NULL}, "required": ["seq"]},
            {"properties": {"seq": _NULL, "time": _GIVEN}, "required": ["time"]},
        ]
    },
    ("query", "Query"): {"properties": {"text": {"pattern": r"\S"}}},
}


def generated() -> dict[str, str]:
    """Return {path below schemas/: text} of every generated file."""
    messages = {f"messages/{name}.schema.json": _text(schema) for name, schema in json_schemas().items()}
    tables = {f"tables/{name}.yaml": _table(name) for name in TABLES}
    return (
        messages | tables | {asyncapi.FILE: asyncapi.text(json_schemas(), Path(__file__).parent / "examples")}
    )


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return {<message>.v<version>: its JSON Schema}."""
    return {
        f"{name}.v{version}": _json_schema(name, version, kind)
        for name, versions in MESSAGES.items()
        for version, kind in versions.items()
    }


def write(root: Path) -> list[str]:
    """Write what differs below `root` and return its paths."""
    changed = differing(root)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(generated()[path], encoding="utf-8")
    return changed


def differing(root: Path) -> list[str]:
    """Return the paths below `root` that are missing or differ from what is generated."""
    return [path for path, text in generated().items() if _read(root / path) != text]


def stray(root: Path) -> list[str]:
    """Return files that lie among the generated ones and are none of them."""
    found = [*root.glob("messages/*"), *root.glob("tables/*")]
    return sorted({str(path.relative_to(root)) for path in found if path.is_file()} - generated().keys())


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _json_schema(name: str, version: int, kind: type) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    for definition, keywords in schema["$defs"].items():
        _merge(keywords, _RULES.get((name, definition), {}))
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:freshline:message:{name}:{version}",
        "$comment": _HOW,
        **schema,
    }
    text = json.dumps(whole).replace(r"\\Z", "$")  # Python's end of text, as ECMA-262 writes it
    made: dict[str, Any] = json.loads(text)
    return made


def _text(schema: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _table(name: str) -> str:
    schema, partitioned_by, statistics = TABLES[name]
    columns = [
        {"name": column.name, "type": type_name(column.type), "nullable": column.nullable}
        for column in schema
    ]
    table = {
        "name": name,
        "version": TABLES_VERSION,
        "partitioned_by": list(partitioned_by),
        "statistics": list(statistics),
        "columns": columns,
    }
    return f"# {_HOW}\n" + yaml.safe_dump(table, sort_keys=False, width=110)


def type_name(kind: pa.DataType) -> str:
    """Name an Arrow type, list<…> without the item's name, which differs between writers."""
    return f"list<{type_name(kind.value_type)}>" if pa.types.is_list(kind) else str(kind)
