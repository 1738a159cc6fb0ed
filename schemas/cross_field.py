"""Rules across the fields of one object (if, oneOf, required, …), compared by trying every combination of kinds.

Such a rule says which fields may stand together, so only a few values matter: for each field that a rule names, its
absence, one value of each type that its writer may give, and every constant that a rule names.

    writer  oneOf [content text, uri text]     reader  anyOf [content text, uri text]
    {content: absent | text} x {uri: absent | text}: two of four are written, and the reader takes both -> None

Complete for the keywords it knows; any other keyword inside a rule raises Unknown. Knows nothing of single values'
bounds: those are compatibility.py's.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

Schema = Mapping[str, Any]

#: Keywords by which an object's fields are tied together.
RULES = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})
_KNOWN = RULES | {"properties", "required", "type", "const", "enum"}

#: One value of each type: a rule made of the known keywords cannot tell two values of one type apart, but by constants.
_SAMPLES: dict[str, Any] = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
    "object": {},
    "array": [],
}
_ABSENT = object()
_MOST = 200_000  # combinations; the documents' rule has below 1,000


class Unknown(Exception):  # noqa: N818 - an outcome: this schema cannot be judged
    """A construct that is not judged, so the change that holds it counts as breaking."""


def rule(schema: Schema) -> dict[str, Any]:
    """Return the part of an object's schema that ties fields together; {} where nothing does."""
    return {name: schema[name] for name in RULES & schema.keys()}


def counterexample(reader: Schema, writer: Schema, types: Mapping[str, set[str]]) -> dict[str, Any] | None:
    """Return fields that `writer` allows and `reader` refuses, None where there are none.

    `types` gives the types of each field as the writer declares it; a field that is not in it is never written, and
    one that the writer must give is in `writer`'s required. Raises Unknown.
    """
    required = set(writer.get("required", ()))
    rules = rule(reader), rule(writer)
    fields = sorted((_named(rules[0]) | _named(rules[1])) & types.keys())
    choices = [_values(field, types[field], field in required, rules) for field in fields]
    if _count(choices) > _MOST:
        raise Unknown(f"a rule over {len(fields)} fields has more than {_MOST} combinations")
    written = rules[1] | {"required": sorted(required & set(fields))}
    for values in product(*choices):
        instance = {name: value for name, value in zip(fields, values, strict=True) if value is not _ABSENT}
        if holds(written, instance) and not holds(rules[0], instance):
            return instance
    return None


def holds(schema: Schema, value: Any) -> bool:
    """Say whether a value satisfies a schema of the known keywords. Raises Unknown."""
    unknown = schema.keys() - _KNOWN
    if unknown:
        raise Unknown(f"the keyword {min(unknown)!r} within a rule across fields")
    return all(_keyword(schema, name, value) for name in schema)


def _keyword(schema: Schema, name: str, value: Any) -> bool:
    said = schema[name]
    match name:
        case "type":
            return any(is_type(value, one) for one in ([said] if isinstance(said, str) else said))
        case "const":
            return same(value, said)
        case "enum":
            return any(same(value, one) for one in said)
        case "required":
            return not isinstance(value, dict) or set(said) <= value.keys()
        case "properties":
            return not isinstance(value, dict) or all(
                holds(one, value[field]) for field, one in said.items() if field in value
            )
    return _combined(schema, name, value)


def _combined(schema: Schema, name: str, value: Any) -> bool:
    said = schema[name]
    match name:
        case "not":
            return not holds(said, value)
        case "if":
            branch: Schema = schema.get("then" if holds(said, value) else "else", {})
            return holds(branch, value)
        case "then" | "else":
            return True  # judged with its "if"
    passed = sum(holds(one, value) for one in said)
    return {"allOf": passed == len(said), "anyOf": passed >= 1, "oneOf": passed == 1}[name]


def is_type(value: Any, name: str) -> bool:
    """Say whether a JSON value has a JSON Schema type; 1.0 is an integer there."""
    match name:
        case "integer":
            return is_type(value, "number") and float(value).is_integer()
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "null":
            return value is None
    kinds: dict[str, type] = {"string": str, "boolean": bool, "object": dict, "array": list}
    if name not in kinds:
        raise Unknown(f"the type {name!r}")
    return isinstance(value, kinds[name])


def kind_of(value: Any) -> str:
    """Name the narrowest JSON Schema type of a value."""
    return next(name for name in _SAMPLES if is_type(value, name))


def same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _values(field: str, types: set[str], needed: bool, rules: tuple[Schema, Schema]) -> list[Any]:
    constants = [value for one in rules for value in _constants(one, field)]
    typed = [value for value in constants if any(is_type(value, name) for name in types)]
    samples = [_SAMPLES[name] for name in sorted(types)] + ([False] if "boolean" in types else [])
    return [*([] if needed else [_ABSENT]), *samples, *typed]


def _count(choices: list[list[Any]]) -> int:
    count = 1
    for values in choices:
        count *= len(values)
    return count


def _parts(schema: Schema) -> Iterator[Schema]:
    """Yield a rule and every rule inside it that is about the same object."""
    yield schema
    for name in RULES & schema.keys():
        inner = schema[name] if isinstance(schema[name], list) else [schema[name]]
        for part in inner:
            yield from _parts(part)


def _named(schema: Schema) -> set[str]:
    return {
        field for part in _parts(schema) for field in [*part.get("properties", {}), *part.get("required", ())]
    }


def _constants(schema: Schema, field: str) -> Iterator[Any]:
    for part in _parts(schema):
        for inner in _parts(part.get("properties", {}).get(field, {})):
            yield from inner.get("enum", ())
            if "const" in inner:
                yield inner["const"]
