"""Conditions on columns against a brute force over dictionaries that shares no code with them."""

import json
import random
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES
from freshline.retrieval.fields import Fields
from schemas.conditions import parse
from tests.support.filters import KEYS, Time, filters, meets

VALUES = (
    None, True, False, 0, 1, -1, 2, 1.0, -0.0, 0.5, 2**53 - 1, 2.0**53, 2.0**53 + 2, 1e300, -1e300, 2020,
    "", "a", "ab", "abc", "b", "B", "é", "e\u0301", "\uffff", "\U00010000", "\U0010ffff", "a\U0010ffff", "1", "true",
)  # fmt: skip
TEXTS = (None, "", "Tea", "Teapot", "tea")
CLOCKS = (0, 1_699_920_000_000, 1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_002)


@cache
def corpus_of(seed: int) -> list[dict[str, Any]]:
    """Return forty random documents of no to three chunks."""
    pick = random.Random(seed)  # noqa: S311 - a corpus, not a secret
    return [
        {
            "metadata": {key: pick.choice(VALUES) for key in KEYS if pick.random() < 0.7}
            if pick.random() < 0.9
            else None,
            "title": pick.choice(TEXTS),
            "uri": pick.choice(TEXTS),
            "collection": pick.choice(("tea", "Tea")),
            "clock": pick.choice(CLOCKS),
            "chunks": [
                (pick.choice(("", "Tea")), pick.choice((None, 0, 1, 2))) for _ in range(pick.randint(0, 3))
            ],
        }
        for _ in range(40)
    ]


def tables(corpus: list[dict[str, Any]], seed: int) -> tuple[pa.Table, pa.Table]:
    """Return rows, in a random order, and states; a document without chunks is a state without rows."""
    rows = [
        {
            "chunk_id": f"{place}-{ordinal}", "state": place, "key": "k", "collection": one["collection"],
            "doc_id": "Tea", "title": one["title"], "uri": one["uri"], "ordinal": ordinal, "start": 0, "end": 1,
            "heading": heading, "page": page, "text": "x", "acl": [], "metadata": stored(one["metadata"]),
        }
        for place, one in enumerate(corpus)
        for ordinal, (heading, page) in enumerate(one["chunks"])
    ]  # fmt: skip
    states = [
        {"key": "k", "kind": "put", "version": 0, "clock": one["clock"], "partition": 0, "offset": 0}
        for one in corpus
    ]
    random.Random(seed).shuffle(rows)  # noqa: S311 - as above
    return pa.Table.from_pylist(rows, SEGMENT_ROWS), pa.Table.from_pylist(states, SEGMENT_STATES)


def stored(fields: dict[str, Any] | None) -> str | None:
    """Return metadata as the stream writes it, under its own keys."""
    return None if fields is None else json.dumps({key.removeprefix("$"): fields[key] for key in fields})


def named(row: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return a row's fields as a filter names them."""
    built_in = {f"${name}": row[name] for name in ("collection", "doc_id", "title", "uri", "page")}
    there = {name: value for name, value in built_in.items() if value is not None}
    heading = {"$heading": row["heading"]} if row["heading"] else {}
    time = {"$time": Time(document["clock"])} if document["clock"] else {}
    return {**(document["metadata"] or {}), **there, **heading, **time}


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 9), said=filters)
def test_a_mask_is_what_brute_force_says(seed: int, said: dict[str, Any]) -> None:
    corpus = corpus_of(seed)
    rows, states = tables(corpus, seed)
    expected = [meets(named(row, corpus[row["state"]]), said) for row in rows.to_pylist()]
    found = Fields(rows, states).mask(parse(said))
    assert found.dtype == np.bool_
    assert found.tolist() == expected


@pytest.mark.parametrize("operator", ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$prefix"])
def test_every_value_against_every_value(operator: str) -> None:
    plain = {"title": None, "uri": None, "collection": "tea", "clock": 1, "chunks": [("", None)]}
    corpus = [{"metadata": {"a": value}, **plain} for value in VALUES] + [{"metadata": {}, **plain}]
    fields = Fields(*tables(corpus, 0))
    order = [row["state"] for row in tables(corpus, 0)[0].to_pylist()]
    for wanted in VALUES:
        if operator not in ("$eq", "$ne") and (wanted is None or isinstance(wanted, bool)):
            continue
        if operator == "$prefix" and not isinstance(wanted, str):
            continue
        said = {"a": {operator: wanted}}
        expected = [meets(corpus[state]["metadata"], said) for state in order]
        assert fields.mask(parse(said)).tolist() == expected


def test_no_rows_have_no_fields() -> None:
    rows, states = tables([], 0)
    for said in (
        {"a": 1},
        {"$heading": "x"},
        {"$page": 1},
        {"$time": {"$exists": False}},
        {"$title": "x"},
        {},
    ):
        assert Fields(rows, states).mask(parse(said)).tolist() == []
