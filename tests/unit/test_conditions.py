"""What a filter says: faults are named with their place, and equal conditions mean the same."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.conditions import All, Condition, Field, InvalidFilter, Within, parse
from tests.support.filters import filters


def refused(said: Any) -> str:
    with pytest.raises(InvalidFilter) as caught:
        parse(said)
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"year": {"$gtt": 1}}, "filter.year.$gtt: no such operator: did you mean $gt?"),
        ({"year": {"gte": 1}}, "filter.year.gte: no such operator: did you mean $gte?"),
        (
            {"$or": [{"a": 1}, {"b": {"$inn": [1]}}]},
            "filter.$or[1].b.$inn: no such operator: did you mean $in?",
        ),
        (
            {"$titel": "x"},
            "filter.$titel: no such field or operator: did you mean $title?; a metadata key is $$name",
        ),
        ({"$gte": 1}, 'filter.$gte: an operator stands inside a field, as in {"year": {"$gte": 2000}}'),
        (
            {"a": [1]},
            "filter.a: found a list, expected text, a number, true, false or null; for one of several use $in",
        ),
        ({"a": {}}, "filter.a: an empty object was found; expected an operator such as $eq"),
        ({"$and": {"a": 1}}, "filter.$and: found an object, expected a list of at least one condition"),
        (
            {"$not": [{"a": 1}]},
            'filter.$not: found a list, expected an object such as {"year": {"$gte": 2000}}',
        ),
        ({"a": {"$not": 1}}, 'filter.a.$not: found a number, expected operators such as {"$gte": 2000}'),
        ({"a": {"$in": "b"}}, "filter.a.$in: found text, expected a list of values"),
        (
            {"a": {"$in": [1, [2]]}},
            (
                "filter.a.$in[1]: found a list, expected text, a number, true, false or null; for one of "
                "several use $in"
            ),
        ),
        (
            {"a": {"$gt": True}},
            "filter.a.$gt: found true, expected a number or text: nothing else has an order",
        ),
        (
            {"a": {"$prefix": 1}},
            "filter.a.$prefix: $prefix is for text; for numbers and times use $gte and $lt",
        ),
        (
            {"$time": {"$prefix": "2024-01-01"}},
            ("filter.$time.$prefix: $prefix is for text; for numbers and times use $gte and $lt"),
        ),
        ({"a": math.nan}, "filter.a: NaN and Infinity are no values"),
        ({"a": 2**53}, "filter.a: an integer beyond 2**53 - 1, which other readers of JSON would round"),
        ({"a\nb\u00e9": {"$x": 1}}, None),
        ({1: 2}, "filter: a name that is no text"),
        ([], 'filter: found an empty list, expected an object such as {"year": {"$gte": 2000}}'),
    ],
)
def test_a_fault_is_told_with_its_place_what_was_found_and_what_is_expected(
    said: Any, message: str | None
) -> None:
    found = refused(said)
    assert message is None or found == message
    assert found.isascii()
    assert found.isprintable()


@given(name=st.text(max_size=400), inner=st.text(max_size=400))
def test_a_message_is_one_short_printable_line(name: str, inner: str) -> None:
    message = refused({"$or": [{"a": 1}, {f"x{name}": {f"x{inner}": 1}}]})
    assert len(message) <= 200
    assert message.isascii()
    assert message.isprintable()
    assert "no such operator" in message


def deep(levels: int) -> dict[str, Any]:
    said: dict[str, Any] = {"a": 1}
    for _ in range(levels - 1):
        said = {"$not": said}
    return said


@pytest.mark.parametrize(
    ("fits", "too_much"),
    [
        (deep(10), deep(11)),
        ({f"k{i}": i for i in range(100)}, {f"k{i}": i for i in range(101)}),
        ({"$or": [{}] * 100}, {"$or": [{}] * 101}),  # each has a mask of its own
        ({"a": {"$in": list(range(1000))}}, {"a": {"$in": list(range(1001))}}),
        ({"a": {"$in": list(range(999))}, "b": 1}, {"a": {"$in": list(range(999))}, "b": 1, "c": 1}),
    ],
)
def test_limits(fits: dict[str, Any], too_much: dict[str, Any]) -> None:
    parse(fits)
    assert "more than" in refused(too_much)


@given(said=filters)
def test_conditions_are_equal_and_hashable_by_what_they_say(said: dict[str, Any]) -> None:
    one, other = parse(said), parse(said)
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (
            {"a": 1},
            {"a": True},
            False,
        ),  # in Python 1 == True: requests of equal scope share what they may see
        ({"a": 0}, {"a": False}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": "1"}, False),
        ({"$$title": "x"}, {"$title": "x"}, False),
        ({"a": {"$in": [1, 2]}}, {"a": {"$in": [2, 1, 1.0]}}, True),
        ({"a": {"$gt": 1}}, {"a": {"$gte": 1}}, False),
        ({"a": None}, {"a": {"$exists": False}}, False),
    ],
)
def test_equal_conditions_mean_the_same_and_others_differ(one: Any, other: Any, same: bool) -> None:
    first, second = parse(one), parse(other)
    assert (first == second) is same
    assert (len({first, second}) == 1) is same


def fields(condition: Condition) -> set[Field]:
    if isinstance(condition, Within):
        return {condition.field}
    assert isinstance(condition, All)
    return {field for part in condition.parts for field in fields(part)}


def test_names_with_a_dollar_are_built_in_fields_and_two_dollars_a_metadata_key() -> None:
    assert fields(parse({"title": 1, "$title": "1", "$$title": 1, "$$$a": 1, "": 1})) == {
        Field("title"), Field("$title", built_in=True), Field("$title"), Field("$$a"), Field(""),
    }  # fmt: skip


def test_times_are_the_same_however_they_are_written() -> None:
    written = ["2024-05-01T16:00:00+02:00", "2024-05-01T14:00:00Z", "2024-05-01T14:00", 1_714_572_000_000]
    assert len({parse({"$time": {"$gte": one}}) for one in written}) == 1  # date -u -d 2024-05-01T14:00Z +%s
    assert parse({"$time": "2024-05-01"}) == parse({"$time": "2024-05-01T00:00:00Z"})
