"""`freshline ask --filter` and `--where`: what is typed becomes a filter, or one line that says why not."""

from typing import Any

import pytest

from freshline.cli.scalars import metadata_of
from freshline.cli.where import filter_of
from freshline.errors import UserError


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("year>=2000", {"year": {"$gte": 2000}}),
        (" year <= 1.5 ", {"year": {"$lte": 1.5}}),
        ("year>-3", {"year": {"$gt": -3}}),
        ("year<2000", {"year": {"$lt": 2000}}),
        ("country=France", {"country": {"$eq": "France"}}),
        ("country==New Zealand", {"country": {"$eq": "New Zealand"}}),
        ("country!=France", {"country": {"$ne": "France"}}),
        ('year="2000"', {"year": {"$eq": "2000"}}),
        ("draft=true", {"draft": {"$eq": True}}),
        ("draft=null", {"draft": {"$eq": None}}),
        ("draft=", {"draft": {"$eq": ""}}),
        ("ratio=NaN", {"ratio": {"$eq": "NaN"}}),
        ("tags=[1]", {"tags": {"$eq": "[1]"}}),
        ('quote="a=b"', {"quote": {"$eq": "a=b"}}),
        ("code^=A-1", {"code": {"$prefix": "A-1"}}),
        ("code^=12", {"code": {"$prefix": "12"}}),
        ("$time>=2024-05-01", {"$time": {"$gte": "2024-05-01"}}),
        ("two words=x", {"two words": {"$eq": "x"}}),
    ],
)
def test_a_where_is_typed_like_a_json_scalar_or_else_text(where: str, expected: dict[str, Any]) -> None:
    assert filter_of(None, [where]) == expected


def test_all_options_hold_together() -> None:
    assert filter_of(None, None) is None
    assert filter_of(None, []) is None
    assert filter_of('{"a": 1}', None) == {"a": 1}
    assert filter_of('{"a": 1}', ["b>2", "b<9"]) == {"$and": [{"a": 1}, {"b": {"$gt": 2}}, {"b": {"$lt": 9}}]}


@pytest.mark.parametrize(
    ("given", "where", "message"),
    [
        (None, ["year"], "--where: found 'year', expected KEY OP VALUE such as year>=2000"),
        (None, ["=3"], "--where: found '=3', expected KEY OP VALUE"),
        (None, ["year>>3"], "--where: found 'year>>3', expected KEY OP VALUE"),
        (None, ["$titel=x"], r"filter\.\$titel: no such field or operator: did you mean \$title\?"),
        ("{'a': 1}", None, "--filter: not JSON at character 2; expected a JSON object"),
        ('{"a": NaN}', None, "--filter: not JSON; expected a JSON object"),
        ("[" * 9999, None, "--filter: nested too deeply; expected a JSON object"),
        ("[1]", None, r"--filter: found '\[1\]', expected a JSON object"),
        ('{"a": {"$gtt": 1}}', None, r"this filter says nothing: filter\.a\.\$gtt: no such operator"),
    ],
)
def test_a_mistake_is_told_in_one_line(given: str | None, where: list[str] | None, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        filter_of(given, where)
    assert "\n" not in str(caught.value)


def test_metadata_typed_at_a_shell() -> None:
    given = [
        "year=2000",
        "share=.5",
        "half=0.5",
        "open=true",
        "gone=null",
        "note=a=b",
        'code="7"',
        "list=[1]",
        "empty=",
    ]
    assert metadata_of(given) == {
        "year": 2000, "share": ".5", "half": 0.5, "open": True, "gone": None, "note": "a=b", "code": "7", "list": "[1]",
        "empty": "",
    }  # fmt: skip
    assert metadata_of(None) == {}
