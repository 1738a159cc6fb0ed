"""The values of a filter: how they are ordered, which interval an operator means, and how a fault is told.

A key is (rank, value). Keys of one rank compare as Python compares their values: numbers exactly (an int with a float
too), text by code points. (rank,) lies below every key of its rank.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

from schemas.messages import MAX_INTEGER

Key = tuple[Any, ...]
NULL, BOOLEAN, NUMBER, TEXT = range(4)
#: Below and above every key.
BELOW: Key = (NULL,)
ABOVE: Key = (TEXT + 1,)

_US_PER_MS = 1000
#: Milliseconds since the epoch of a day in March 1973: a smaller number is seconds by mistake.
_LEAST_MS = 10**11
_LAST = chr(0x10FFFF)
_MAX_MESSAGE = 200  # as every detail: it is for one line
_MAX_NAME = 40


class Interval(NamedTuple):
    """The keys between two keys; `…_in` says whether the end itself belongs."""

    low: Key
    low_in: bool
    high: Key
    high_in: bool


class InvalidFilter(ValueError):  # noqa: N818 - an outcome, like schemas.reject.Rejected
    """A filter that says nothing. The message is printable ASCII for one line and quotes no value, only names."""


class Where:
    """A place in a filter, such as filter.$or[1].year, to name it in a message."""

    def __init__(self, path: str) -> None:
        self._path = path

    def at(self, name: Any) -> "Where":
        """Return the place of an entry."""
        return Where(f"{self._path}.{_printable(name)}")

    def item(self, place: int) -> "Where":
        """Return the place of a list's item."""
        return Where(f"{self._path}[{place}]")

    def error(self, message: str) -> InvalidFilter:
        """Return the error at this place; a long path loses its middle, not the message."""
        room = max(_MAX_MESSAGE - len(message) - 2, 20)
        path = self._path if len(self._path) <= room else self._path[: room - 13] + "..." + self._path[-10:]
        return InvalidFilter(f"{path}: {message}"[:_MAX_MESSAGE])

    def wrong(self, found: Any, expected: str) -> InvalidFilter:
        """Return the error for something of another kind."""
        return self.error(f"found {_kind(found)}, expected {expected}")


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that was probably meant, "" without one."""
    dollar = name if name.startswith("$") else f"${name}"
    close = get_close_matches(dollar, list(known), n=1, cutoff=0.6)
    return f": did you mean {close[0]}?" if close else f"; there is {', '.join(known)}"


def key_of(value: Any) -> Key:
    """Return the key of a JSON scalar.

    1 and 1.0 -> (2, 1)    True -> (1, True)    None -> (0, None)    "a" -> (3, "a")
    """
    if value is None:
        return (NULL, None)
    if isinstance(value, bool):
        return (BOOLEAN, value)
    return (TEXT if isinstance(value, str) else NUMBER, value)


def value_of(found: Any, holds: str, where: Where) -> Key:
    """Return the key that a value of a filter means for a field that `holds` any scalar, or one kind."""
    if holds == "time":
        return (NUMBER, _microseconds(found, where))
    if isinstance(found, int) and abs(found) > MAX_INTEGER:
        raise where.error("an integer beyond 2**53 - 1, which other readers of JSON would round")
    if isinstance(found, float) and not math.isfinite(found):
        raise where.error("NaN and Infinity are no values")
    if found is not None and not isinstance(found, bool | int | float | str):
        hint = "; for one of several use $in" if isinstance(found, list | tuple) else ""
        raise where.wrong(found, f"text, a number, true, false or null{hint}")
    key = key_of(found)
    if holds == "text" and key[0] != TEXT:
        raise where.wrong(found, 'text; for a field without a value use {"$exists": false}')
    if holds == "whole number" and (
        key[0] != NUMBER or (isinstance(found, float) and not found.is_integer())
    ):
        raise where.wrong(found, 'a whole number; for a field without a value use {"$exists": false}')
    return key


def interval_of(operator: str, key: Key, holds: str, where: Where) -> Interval:
    """Return the keys that meet an operator with one value."""
    if operator in ("$eq", "$ne"):
        return Interval(key, True, key, True)
    rank, value = key
    if operator == "$prefix":
        if rank != TEXT or holds not in ("text", "any"):
            raise where.error("$prefix is for text; for numbers and times use $gte and $lt")
        return Interval(key, True, _after(value), False)
    if rank not in (NUMBER, TEXT):
        raise where.wrong(value, "a number or text: nothing else has an order")
    low, high = (rank,), (rank + 1,)
    return {
        "$gt": Interval(key, False, high, False),
        "$gte": Interval(key, True, high, False),
        "$lt": Interval(low, False, key, False),
        "$lte": Interval(low, False, key, True),
    }[operator]


def _after(prefix: str) -> Key:
    """Return the least key above every text that begins so.

    "ab" -> (3, "ac")    "" -> (4,)
    """
    kept = prefix.rstrip(_LAST)
    return (TEXT, kept[:-1] + chr(ord(kept[-1]) + 1)) if kept else ABOVE


def _microseconds(found: Any, where: Where) -> int:
    expected = "a time such as 2024-05-01T16:00:00Z, or milliseconds since 1970"
    if isinstance(found, int) and not isinstance(found, bool):
        if abs(found) < _LEAST_MS:
            raise where.error(f"the number is too small for milliseconds since 1970; expected {expected}")
        return found * _US_PER_MS
    if not isinstance(found, str):
        raise where.wrong(found, expected)
    try:
        time = datetime.fromisoformat(found)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise where.wrong(found, expected) from None
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _kind(found: Any) -> str:
    if found is None:
        return "null"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, list | tuple) and not found:
        return "an empty list"
    kinds = (
        (str, "text"),
        (int, "a number"),
        (float, "a number"),
        (list | tuple, "a list"),
        (dict, "an object"),
    )
    return next((name for kind, name in kinds if isinstance(found, kind)), f"a {type(found).__name__}")


def _printable(name: Any) -> str:
    """Return a name for a message: printable ASCII, not long."""
    text = str(name).encode("unicode_escape").decode("ascii")
    return text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}..."
