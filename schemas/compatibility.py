"""Compares two schemas of one message: does a reader with the one understand what a writer with the other gives.

    backward  the new reader, released writers     who reads is upgraded first: documents, queries
    forward   a released reader, new writers
    full      both: who reads responses is not ours to upgrade

A writer gives only the fields that it knows and a reader ignores those that it does not know, so an object's schema
is closed as a writer's and open as a reader's: that is what lets an optional field be added. Sound, not complete: a
change is compatible only where that is certain, and a construct that is not known here counts as breaking.

Blind to what no schema says: the meaning of a field, and rules that only the codec has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas.cross_field import RULES, Unknown, counterexample, is_type, kind_of, rule, same

Schema = Mapping[str, Any]
Mode = Literal["backward", "forward", "full"]

_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
_AT_MOST = ("maxLength", "maximum", "maxItems")
_AT_LEAST = ("minLength", "minimum", "minItems")
_EQUAL = ("pattern", "format")  # which of two patterns takes more is not judged
_NOTES = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "examples"})
_JUDGED = {
    "$ref",
    "type",
    "enum",
    "const",
    "default",
    "items",
    "properties",
    "required",
    "additionalProperties",
}
_KNOWN = _NOTES | RULES | _JUDGED | {*_AT_MOST, *_AT_LEAST, *_EQUAL}


@dataclass(frozen=True, slots=True)
class Break:
    """One reason why a change is breaking. `path` is a place in the message, $ being the whole."""

    path: str
    rule: str
    detail: str

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.path}: {self.detail} ({self.rule})"


def breaks(released: Schema, new: Schema, mode: Mode) -> list[Break]:
    """Return why `new` is not compatible with `released`, each reason once; [] where it is."""
    found: list[Break] = []
    if mode in {"backward", "full"}:
        found += _Check(reader=new, writer=released, backward=True).run()
    if mode in {"forward", "full"}:
        found += _Check(reader=released, writer=new, backward=False).run()
    return list(dict.fromkeys(found))


class _Check:
    """One direction. A $ref is resolved within its own document."""

    def __init__(self, *, reader: Schema, writer: Schema, backward: bool) -> None:
        self._reader, self._writer, self._backward = reader, writer, backward
        names = ("the new reader", "a released writer"), ("a released reader", "the new writer")
        self._reads, self._writes = names[0] if backward else names[1]
        self._within: list[tuple[Any, Any]] = []

    def run(self) -> list[Break]:
        """Return every reason, the outermost first."""
        return self._value(self._reader, self._writer, "$")

    def _value(self, reader: Any, writer: Any, path: str) -> list[Break]:
        """Return why the reader does not take each of the writer's values; [] where it does."""
        writer = {} if writer is True else writer
        if not isinstance(reader, Mapping) or not isinstance(writer, Mapping):
            return [Break(path, "unknown", "a schema that is true or false cannot be judged")]
        references = (reader.get("$ref"), writer.get("$ref"))
        if None not in references and references in self._within:
            return []  # a schema within itself: it is being judged
        self._within.append(references)
        try:
            return [*self._default(reader, writer, path), *self._union(reader, writer, path)]
        except Unknown as exc:
            return [Break(path, "unknown", f"{exc} cannot be judged")]
        finally:
            self._within.pop()

    def _default(self, reader: Schema, writer: Schema, path: str) -> Iterator[Break]:
        if "default" in reader and "default" in writer and not same(reader["default"], writer["default"]):
            yield Break(path, "default", "what the absence of this field means has changed")

    def _union(self, reader: Schema, writer: Schema, path: str) -> Iterator[Break]:
        """Yield why an alternative that is written has none among the reader's that takes all of it."""
        taken = _alternatives(self._reader, reader)
        for given in _alternatives(self._writer, writer):
            tried = [list(self._one(one, given, path)) for one in taken]
            if all(tried):
                yield from min(tried, key=lambda reasons: reasons[0].rule == "type")

    def _one(self, reader: Schema, writer: Schema, path: str) -> Iterator[Break]:
        if not _kinds(writer) <= _taken(reader):
            kinds = " or ".join(sorted(_kinds(reader))), " or ".join(sorted(_kinds(writer)))
            yield Break(path, "type", f"{self._reads} takes {kinds[0]}, {self._writes} gives {kinds[1]}")
            return
        yield from self._values(reader, writer, path)
        if "object" in _kinds(writer):
            yield from self._object(reader, writer, path)
        if "items" in reader and "array" in _kinds(writer):
            yield from self._value(reader["items"], writer.get("items", {}), f"{path}[]")

    def _values(self, reader: Schema, writer: Schema, path: str) -> Iterator[Break]:
        allowed, given = _constants(reader), _constants(writer)
        if allowed is not None:
            more = [one for one in given or () if not any(same(one, other) for other in allowed)]
            if given is None or more:
                detail = "any value" if given is None else f"also {more}"
                yield Break(path, "enum", f"{self._reads} takes {allowed}, {self._writes} gives {detail}")
        for name in (*_AT_MOST, *_AT_LEAST, *_EQUAL):
            if name in reader and not _as_wide(name, reader[name], writer.get(name)):
                wide = writer.get(name, "anything")
                detail = f"{self._reads} has {name} {reader[name]}, {self._writes} {wide}"
                yield Break(path, "pattern" if name in _EQUAL else "bound", detail)

    def _object(self, reader: Schema, writer: Schema, path: str) -> Iterator[Break]:
        if reader.get("additionalProperties") is False:
            yield Break(path, "closed", f"{self._reads} refuses fields that it does not know")
        fields, written = reader.get("properties", {}), writer.get("properties", {})
        yield from self._removed(fields, written, path)
        for name in sorted(set(reader.get("required", ())) - set(writer.get("required", ()))):
            yield Break(
                f"{path}.{name}", "required", f"{self._reads} needs it, {self._writes} may leave it out"
            )
        for name in written:
            other = fields.get(name, reader.get("additionalProperties", True))
            if other is not True:
                yield from self._value(other, written[name], f"{path}.{name}")
        yield from self._others(reader, writer, path)
        yield from self._rules(reader, writer, path)

    def _removed(self, fields: Schema, written: Schema, path: str) -> Iterator[Break]:
        """Yield each released field that is gone: what nobody reads any more would be lost without a word."""
        old, new = (written, fields) if self._backward else (fields, written)
        for name in sorted(old.keys() - new.keys()):
            yield Break(
                f"{path}.{name}", "removed", "the field is gone (a renamed one counts as removed and added)"
            )

    def _others(self, reader: Schema, writer: Schema, path: str) -> Iterator[Break]:
        """Keys that are data: what the writer gives under any name."""
        if writer.get("properties") and not isinstance(writer.get("additionalProperties"), Mapping):
            return  # it writes what it names
        given = writer.get("additionalProperties", True)
        expected = {**reader.get("properties", {}), "*": reader.get("additionalProperties", True)}
        for name, other in expected.items():
            if other is not True and name not in writer.get("properties", {}):
                yield from self._value(other, given, f"{path}.{name}")

    def _rules(self, reader: Schema, writer: Schema, path: str) -> Iterator[Break]:
        if rule(reader) == rule(writer):
            return
        types = {
            name: {kind for one in _alternatives(self._writer, field) for kind in _kinds(one)}
            for name, field in writer.get("properties", {}).items()
        }
        found = counterexample(reader, writer, types)
        if found is not None:
            detail = f"{self._writes} may give {found} together, which {self._reads} refuses"
            yield Break(path, "fields together", detail)


def _alternatives(document: Schema, schema: Schema) -> list[Schema]:
    """Return the schemas of which a value needs to satisfy one; references resolved. Raises Unknown."""
    if unknown := schema.keys() - _KNOWN:
        raise Unknown(f"the keyword {min(unknown)!r}")
    if "$ref" in schema:
        _alone(schema, "$ref")
        return _alternatives(document, _resolved(document, schema["$ref"]))
    if "anyOf" in schema and "properties" not in schema:
        _alone(schema, "anyOf")
        return [found for one in schema["anyOf"] for found in _alternatives(document, one)] or [{"enum": []}]
    if RULES & schema.keys() and schema.get("type") != "object":
        raise Unknown(f"the keyword {min(RULES & schema.keys())!r} outside an object")
    return [schema]


def _alone(schema: Schema, name: str) -> None:
    beside = schema.keys() - _NOTES - {name, "default"}
    if beside:
        raise Unknown(f"the keyword {min(beside)!r} beside {name!r}")


def _resolved(document: Schema, reference: str) -> Schema:
    start, _, name = reference.rpartition("/")
    if start != "#/$defs" or name not in document.get("$defs", {}):
        raise Unknown(f"the reference {reference!r}")
    found: Schema = document["$defs"][name]
    return found


def _constants(schema: Schema) -> list[Any] | None:
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return None if values is None else list(values)


def _kinds(schema: Schema) -> set[str]:
    """Return the types that a schema without alternatives allows."""
    said = schema.get("type", _TYPES)
    kinds = {said} if isinstance(said, str) else set(said)
    values = _constants(schema)
    if values is None:
        return kinds
    return {kind_of(value) for value in values if any(is_type(value, kind) for kind in kinds)}


def _taken(schema: Schema) -> set[str]:
    kinds = _kinds(schema)
    return kinds | ({"integer"} if "number" in kinds else set())


def _as_wide(name: str, reader: Any, writer: Any) -> bool:
    if writer is None:
        return False
    if name in _EQUAL:
        return bool(reader == writer)
    return bool(reader >= writer if name in _AT_MOST else reader <= writer)
