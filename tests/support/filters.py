"""What a filter means, over plain dictionaries: shares no code with Freshline. And random filters to compare."""

import operator
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

ORDER = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


def meets(fields: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Say whether a chunk meets a filter: fields by the names that a filter uses, a missing one is not there."""
    return all(_entry(fields, name, inner) for name, inner in said.items())


def _entry(fields: Mapping[str, Any], name: str, inner: Any) -> bool:
    match name:
        case "$and":
            return all(meets(fields, one) for one in inner)
        case "$or":
            return any(meets(fields, one) for one in inner)
        case "$not":
            return not meets(fields, inner)
    value = [fields[name]] if name in fields else []
    return _holds(value, inner if isinstance(inner, dict) else {"$eq": inner})


def _holds(value: list[Any], said: Mapping[str, Any]) -> bool:
    return all(_operator(value, name, inner) for name, inner in said.items())


def _operator(value: list[Any], name: str, inner: Any) -> bool:
    if name == "$not":
        return not _holds(value, inner)
    if name == "$exists":
        return bool(bool(value) == inner)
    if name in ("$ne", "$nin"):
        return not _operator(value, "$eq" if name == "$ne" else "$in", inner)
    wanted = inner if name == "$in" else [inner]
    return any(_compare(found, name, one) for found in value for one in wanted)


def _compare(found: Any, name: str, wanted: Any) -> bool:
    if isinstance(found, Time):
        wanted = Time(wanted)
    if _kind(found) != _kind(wanted):
        return False
    if name == "$prefix":
        return bool(found.startswith(wanted))
    return bool(ORDER.get(name, operator.eq)(found, wanted))


class Time:
    """A time, comparable with what a filter may give for one: ISO 8601 or milliseconds."""

    def __init__(self, given: str | int) -> None:
        if isinstance(given, int):
            self._at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=given)
        else:
            at = datetime.fromisoformat(given)
            self._at = at if at.tzinfo else at.replace(tzinfo=UTC)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self._at == other._at

    def __lt__(self, other: "Time") -> bool:
        return self._at < other._at

    def __le__(self, other: "Time") -> bool:
        return self._at <= other._at

    def __gt__(self, other: "Time") -> bool:
        return self._at > other._at

    def __ge__(self, other: "Time") -> bool:
        return self._at >= other._at

    def __hash__(self) -> int:
        return hash(self._at)


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else "other"


#: Metadata keys as a filter names them; the stored key of "$$odd" is "$odd".
KEYS = ("year", "country", "$$odd", "a.b", "")
numbers = st.sampled_from([0, 1, -1, 2, 1.0, -0.0, 0.5, 2**53 - 1, 2.0**53, 2.0**53 + 2, 1e300, -1e300, 2020])
texts = st.sampled_from(
    [
        "",
        "a",
        "ab",
        "abc",
        "b",
        "B",
        "é",
        "e\u0301",
        "\uffff",
        "\U00010000",
        "\U0010ffff",
        "a\U0010ffff",
        "1",
        "true",
    ]
)
scalars = st.none() | st.booleans() | numbers | texts


def _operators(values: Any, ordered: Any) -> Any:
    """One to three operators on a field."""
    single = st.fixed_dictionaries(
        {},
        optional={
            "$eq": values, "$ne": values, "$in": st.lists(values, max_size=3), "$nin": st.lists(values, max_size=3),
            "$exists": st.booleans(), **dict.fromkeys(ORDER, ordered),
        },
    ).filter(bool)  # fmt: skip
    return single | single.map(lambda said: {"$not": said})


_titles = st.sampled_from(["", "Tea", "Teapot", "tea"])
_times = st.sampled_from(
    [
        "2023-11-14",
        "2023-11-14T22:13:20Z",
        "2023-11-14T23:13:20.001+01:00",
        1_700_000_000_000,
        1_700_000_000_002,
    ]
)
_entries = st.one_of(
    st.tuples(st.sampled_from(KEYS), scalars | _operators(scalars, numbers | texts)),
    st.tuples(st.sampled_from(KEYS), texts.map(lambda text: {"$prefix": text})),
    st.tuples(
        st.sampled_from(["$title", "$heading", "$doc_id", "$collection", "$uri"]),
        _titles | _operators(_titles, _titles),
    ),
    st.tuples(st.just("$page"), st.integers(0, 3) | _operators(st.integers(0, 3), st.integers(0, 3))),
    st.tuples(st.just("$time"), _times | _operators(_times, _times)),
)
_flat = st.lists(_entries, max_size=3).map(dict)
#: Filters of all operators, up to three levels.
filters = st.recursive(
    _flat,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$or": parts}),
        inner.map(lambda part: {"$not": part}),
    ),
    max_leaves=4,
)
