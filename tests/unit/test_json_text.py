"""JSON as lines that can be read alone: what is kept, what is left out, what is bounded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.parsing.json_text import parse_json
from freshline.parsing.json_values import MAX_DEPTH, MAX_VALUES
from freshline.parsing.outline import MAX_TEXT
from freshline.parsing.port import ParsedDocument
from schemas.reject import Rejected
from tests.support.parsed import check_parsed, parsed_or_refused


def sections(document: ParsedDocument) -> list[tuple[tuple[str, ...], str]]:
    check_parsed(document)
    return [(s.headings, document.text[s.start : s.end]) for s in document.sections]


def lines(document: ParsedDocument) -> list[str]:
    return [line for start, end in document.lines for line in document.text[start:end].split("\n")]


def code_of(text: str) -> str:
    with pytest.raises(Rejected) as refused:
        parse_json(text.encode())
    return refused.value.code


def test_values_are_lines_with_their_path_and_flat_objects_are_rows() -> None:
    document = parse_json(
        b"""{
        "Title": "The Countess", "born": {"year": 1815, "in": {"city": "London"}}, "alive": false, "heirs": null,
        "tags": ["maths", "engines"], "empty": "", "none": [],
        "posts": [{"at": "Turin", "pay": 9}, {"pay": 10.50, "note": null}],
        "mixed": [1, {"a": [true]}],
        "after": "x"}"""
    )
    assert document.title == "The Countess"
    before = "Title: The Countess\nborn.year: 1815\nborn.in.city: London\nalive: false\ntags: maths, engines"
    assert sections(document) == [
        ((), before),
        (("posts",), "at: Turin | pay: 9\npay: 10.50"),
        ((), "mixed.1: 1\nmixed.2.a: true\nafter: x"),
    ]
    assert lines(document) == [
        *before.split("\n"),
        "at: Turin | pay: 9",
        "pay: 10.50",
        *sections(document)[2][1].split("\n"),
    ]


def test_an_array_at_the_top_is_a_table_and_so_are_json_lines() -> None:
    rows = [{"name": "Ada", "n": 1}, {"name": "Bob", "n": 2}]
    for text in (json.dumps(rows), "\n".join(map(json.dumps, rows)) + "\n\n"):
        document = parse_json(text.encode())
        assert (sections(document), document.title) == ([((), "name: Ada | n: 1\nname: Bob | n: 2")], None)
    nested = parse_json(b'{"a": {"b": 1}}\n{"a": {"b": 2}}')
    assert sections(nested) == [((), "1.a.b: 1\n2.a.b: 2")]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('{"name": "N", "title": "T"}', "T"),
        ('{"NAME": "N"}', "N"),
        ('{"title": 5, "x": {"title": "deep"}}', "5"),
        ('{"title": {"a": 1}, "name": null, "x": 1}', None),
        ('["title"]', None),
    ],
)
def test_title(text: str, title: str | None) -> None:
    assert parse_json(text.encode()).title == title


@pytest.mark.parametrize(
    "number",
    ["1e400", "9007199254740993", "-0.10", "1.0000000000000000000001", "7" * 5000, "NaN", "-Infinity"],
)
def test_numbers_stay_as_they_are_written(number: str) -> None:
    text = parse_json(f'{{"n": {number}}}'.encode()).text
    assert text == f"n: {number}"


def test_strings_stay_literally_and_long_ones_are_paragraphs() -> None:
    story = "It  was\nnight. " + "Rain fell. " * 30
    document = parse_json(json.dumps({"a": "<b>&amp; | x: y", "story": story}).encode())
    assert document.text == f"a: <b>&amp; | x: y\n\nstory: {story}"
    assert lines(document) == ["a: <b>&amp; | x: y"]  # the story may be split at its sentences
    wide = parse_json(json.dumps([{"a": "1", "text": story}]).encode())
    assert sections(wide) == [((), f"1.a: 1\n\n1.text: {story}")]


def test_a_key_named_twice_is_kept_twice() -> None:
    assert parse_json(b'{"a": 1, "a": 2}').text == "a: 1\na: 2"
    assert parse_json(b'[{"a": 1, "a": 2}]').text == "1.a: 1\n1.a: 2"


def test_controls_and_lone_surrogates_go() -> None:
    document = parse_json(rb'{"a\u0000b": "c\u0007d", "e": "\ud800", "f": "\ud83d\ude00"}')
    assert document.text == "ab: cd\ne: \ufffd\nf: 😀"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1', "unparseable"),
        ("{'a': 1}", "unparseable"),
        ('{"a": 1} {"b": 2}', "unparseable"),
        ('{"a": 1}\n{"b": 2}\nx', "unparseable"),
        ("Tea.", "unparseable"),
        ("{}", "empty_document"),
        ('[null, "", {"a": null}]', "empty_document"),
        ("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH, ""),
        ("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "too_deep"),
        ("[" * 100_000 + "]" * 100_000, "too_deep"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "too_deep"),
        ("[" + "1," * MAX_VALUES + "1]", "too_large"),
        ("[" * (MAX_VALUES + 1), "too_large"),
    ],
)
def test_refused(text: str, code: str) -> None:
    if code:
        assert code_of(text) == code
    else:
        check_parsed(parse_json(text.encode()))


def test_bytes_that_are_no_text_are_refused_as_everywhere() -> None:
    for content, code in (
        (b'{"a": "\xff"}', "invalid_utf8"),
        (b"", "empty_document"),
        (b"\x89PNG", "unsupported_type"),
    ):
        with pytest.raises(Rejected) as refused:
            parse_json(content)
        assert refused.value.code == code


#: Each would take minutes or the whole memory without a bound; the suite's time-out is the bound of time.
_PATHOLOGICAL = {
    "a key of a megabyte over many values": json.dumps(
        {"k" * 1_000_000: dict.fromkeys(map(str, range(100_000)), "v")}
    ),
    "long keys at every level": "".join(f'{{"{"k" * 500}":' for _ in range(60)) + "1" + "}" * 60,
    "columns that no row shares": json.dumps([{f"k{n}": n} for n in range(50_000)]),
    "one wide table": json.dumps([{f"{n:060}": "v" for n in range(200)}] * 1_000),
    "numbers": "[" + "1," * 900_000 + "1]",
    "empty arrays": "[" + "[]," * 400_000 + "[]]",
    "json lines": '{"a": 1}\n' * 300_000,
    "half of json lines": '{"a": 1}\n' * 100_000 + "{",
    "strings": json.dumps(["x" * 300] * 20_000),
}


@pytest.mark.parametrize("name", _PATHOLOGICAL)
def test_pathological_values_are_parsed_or_refused(name: str) -> None:
    document = parsed_or_refused(parse_json, _PATHOLOGICAL[name].encode())
    assert document is None or len(document.text) <= MAX_TEXT


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=5) | st.dictionaries(st.text(), below, max_size=5),
    max_leaves=30,
)


@given(_VALUES)
def test_any_value_is_parsed_or_empty_and_every_word_is_kept(value: object) -> None:
    document = parsed_or_refused(parse_json, json.dumps(value).encode())
    if document is not None:
        words = " ".join(document.text.split())
        for leaf in _leaves(value):
            assert " ".join(leaf.split()) in words


def _leaves(value: object) -> list[str]:
    """Every text and number of a value, written by hand's rules: printable characters only."""
    if isinstance(value, dict):
        return [leaf for below in value.values() for leaf in _leaves(below)]
    if isinstance(value, list):
        return [leaf for below in value for leaf in _leaves(below)]
    if isinstance(value, str):
        return [value] if value.isprintable() else []
    return [] if value is None else [json.dumps(value)]


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    parsed_or_refused(parse_json, content)
