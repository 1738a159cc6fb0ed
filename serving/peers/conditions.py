"""A filter's condition on its way to a peer: the parsed form, so that nobody reads a filter twice."""

from typing import Any

import msgspec

from schemas.conditions import All, AnyOf, Condition, Field, Interval, Not, Within

Ends = tuple[tuple[Any, ...], bool, tuple[Any, ...], bool]


class SentWithin(msgspec.Struct, tag="within", array_like=True, frozen=True):
    """schemas.conditions.Within; an interval as (low, whether low belongs, high, whether high belongs)."""

    name: str
    built_in: bool
    intervals: tuple[Ends, ...]


class SentAll(msgspec.Struct, tag="all", array_like=True, frozen=True):
    """schemas.conditions.All."""

    parts: tuple["SentCondition", ...]


class SentAnyOf(msgspec.Struct, tag="any", array_like=True, frozen=True):
    """schemas.conditions.AnyOf."""

    parts: tuple["SentCondition", ...]


class SentNot(msgspec.Struct, tag="not", array_like=True, frozen=True):
    """schemas.conditions.Not."""

    part: "SentCondition"


SentCondition = SentWithin | SentAll | SentAnyOf | SentNot


def sent(condition: Condition) -> SentCondition:
    """Return a condition as it is sent."""
    match condition:
        case Within(field, intervals):
            return SentWithin(field.name, field.built_in, tuple(map(_ends, intervals)))
        case All(parts):
            return SentAll(tuple(sent(part) for part in parts))
        case AnyOf(parts):
            return SentAnyOf(tuple(sent(part) for part in parts))
        case Not(part):
            return SentNot(sent(part))


def _ends(interval: Interval) -> Ends:
    return interval.low, interval.low_in, interval.high, interval.high_in


def taken(condition: SentCondition) -> Condition:
    """Return a condition that was sent."""
    match condition:
        case SentWithin(name, built_in, intervals):
            return Within(Field(name, built_in), tuple(Interval(*one) for one in intervals))
        case SentAll(parts):
            return All(tuple(taken(part) for part in parts))
        case SentAnyOf(parts):
            return AnyOf(tuple(taken(part) for part in parts))
        case SentNot(part):
            return Not(taken(part))
