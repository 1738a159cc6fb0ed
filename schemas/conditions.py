"""What a filter says: a JSON object becomes a Condition, or the reason why not.

    {"country": "France", "year": {"$gte": 2000, "$lt": 2010}}
    -> All((Within("country", France), Within("year", 2000 ≤ · < 2010))) with both fields of metadata

A name is a key of the document's metadata; one that begins with a dollar is a field that every chunk has (BUILT_IN),
and "$$x" is the metadata key "$x". Values have an order in which every comparison is an interval:

    null < false < true < numbers, by exact value < text, by code points

Nothing is equal across kinds: true is not 1, "1" is not 1; 1 is 1.0. A field that is missing lies in no interval, so
it meets no comparison, and therefore $ne, $nin and $not of one. This module knows no chunks: freshline.retrieval does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas.condition_values import (
    ABOVE,
    BELOW,
    Interval,
    InvalidFilter,
    Where,
    interval_of,
    near,
    value_of,
)

__all__ = [
    "BUILT_IN",
    "All",
    "AnyOf",
    "Condition",
    "Field",
    "Interval",
    "InvalidFilter",
    "Not",
    "Within",
    "parse",
]

#: Fields of every chunk, and what they hold. `$time` is the broker's time of the document state.
BUILT_IN = {
    "$collection": "text",
    "$doc_id": "text",
    "$title": "text",
    "$uri": "text",
    "$heading": "text",
    "$page": "whole number",
    "$time": "time",
}
#: Objects within each other, comparisons (an empty object counts as one), and values of all of them together.
MAX_DEPTH, MAX_COMPARISONS, MAX_VALUES = 10, 100, 1000

_COMBINING = ("$and", "$or", "$not")
_LISTS = ("$in", "$nin")
_RANGES = ("$gt", "$gte", "$lt", "$lte", "$prefix")
_OPERATORS = ("$eq", "$ne", *_LISTS, *_RANGES, "$exists", "$not")


class Field(NamedTuple):
    """A metadata key, or a built-in field by its name with the dollar."""

    name: str
    built_in: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """True where the field is there and its value lies in one of the intervals."""

    field: Field
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class All:
    """True where every part is; of no parts: true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where at least one part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is not."""

    part: "Condition"


Condition = Within | All | AnyOf | Not


def parse(filter: Mapping[str, Any]) -> Condition:  # noqa: A002 - the field's name in the message
    """Return what a filter says. Raises InvalidFilter: where, what was found, what is expected."""
    return _Parser().condition(filter, Where("filter"), 1)


class _Parser:
    """Counts what a filter holds while it is read."""

    def __init__(self) -> None:
        self._comparisons = 0
        self._values = 0

    def condition(self, found: Any, where: Where, depth: int) -> Condition:
        """Read an object of names and combining operators; all of them must hold."""
        _object(found, where, depth, 'an object such as {"year": {"$gte": 2000}}')
        if not found:  # says nothing, and costs a mask as a comparison does
            self._count_comparison(where)
        parts = [self._entry(name, inner, where.at(name), depth) for name, inner in found.items()]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _entry(self, name: str, found: Any, where: Where, depth: int) -> Condition:
        if name == "$not":
            return Not(self.condition(found, where, depth + 1))
        if name in _COMBINING:
            if not isinstance(found, list | tuple) or not found:
                raise where.wrong(found, "a list of at least one condition")
            parts = tuple(
                self.condition(one, where.item(place), depth + 1) for place, one in enumerate(found)
            )
            return All(parts) if name == "$and" else AnyOf(parts)
        field = _field(name, where)
        if isinstance(found, Mapping):
            return self._operators(field, found, where, depth + 1)
        return self._compare(field, "$eq", found, where)

    def _operators(self, field: Field, found: Any, where: Where, depth: int) -> Condition:
        """Read {"$gte": 2000, "$lt": 2010}: all of them must hold of this field."""
        _object(found, where, depth, 'operators such as {"$gte": 2000}')
        if not found:
            raise where.error("an empty object was found; expected an operator such as $eq")
        parts = [self._operator(field, name, inner, where.at(name), depth) for name, inner in found.items()]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _operator(self, field: Field, name: str, found: Any, where: Where, depth: int) -> Condition:
        if name not in _OPERATORS:
            raise where.error(f"no such operator{near(name, _OPERATORS)}")
        if name == "$not":
            return Not(self._operators(field, found, where, depth + 1))
        return self._compare(field, name, found, where)

    def _compare(self, field: Field, name: str, found: Any, where: Where) -> Condition:
        self._count_comparison(where)
        if name == "$exists":
            if not isinstance(found, bool):
                raise where.wrong(found, "true or false")
            there = Within(field, (Interval(BELOW, True, ABOVE, True),))
            return there if found else Not(there)
        within = Within(field, self._intervals(field, name, found, where))
        return Not(within) if name in ("$ne", "$nin") else within

    def _intervals(self, field: Field, name: str, found: Any, where: Where) -> tuple[Interval, ...]:
        holds = BUILT_IN[field.name] if field.built_in else "any"
        if name not in _LISTS:
            self._count(1, where)
            return (interval_of(name, value_of(found, holds, where), holds, where),)
        if not isinstance(found, list | tuple):
            raise where.wrong(found, "a list of values")
        self._count(len(found), where)
        keys = [value_of(one, holds, where.item(place)) for place, one in enumerate(found)]
        return tuple(Interval(key, True, key, True) for key in sorted(set(keys)))

    def _count_comparison(self, where: Where) -> None:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise where.error(f"more than {MAX_COMPARISONS} comparisons")

    def _count(self, values: int, where: Where) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise where.error(f"more than {MAX_VALUES} values")


def _object(found: Any, where: Where, depth: int, expected: str) -> None:
    if depth > MAX_DEPTH:
        raise where.error(f"more than {MAX_DEPTH} objects within each other")
    if not isinstance(found, Mapping):
        raise where.wrong(found, expected)
    for name in found:
        if not isinstance(name, str):
            raise where.error("a name that is no text")


def _field(name: str, where: Where) -> Field:
    if not name.startswith("$"):
        return Field(name)
    if name.startswith("$$"):
        return Field(name[1:])
    if name in BUILT_IN:
        return Field(name, built_in=True)
    if name in _OPERATORS:
        raise where.error('an operator stands inside a field, as in {"year": {"$gte": 2000}}')
    raise where.error(
        f"no such field or operator{near(name, (*BUILT_IN, *_COMBINING))}; a metadata key is $$name"
    )
