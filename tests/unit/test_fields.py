"""Conditions on columns against a brute force over dictionaries that shares no code with them."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES
from freshline.retrieval.fields import Fields
from schemas.conditions import parse
from tests.support.filters import Time, filters, meets, metadata

_optional = st.none() | st.sampled_from(["", "Tea", "Teapot", "tea"])
documents = st.lists(
    st.fixed_dictionaries(
        {
            "metadata": st.none() | metadata,
            "title": _optional,
            "uri": _optional,
            "collection": st.sampled_from(["tea", "Tea"]),
            "clock": st.sampled_from([0, 1_699_920_000_000, 1_700_000_000_000, 1_700_000_000_001]),
            "chunks": st.lists(
                st.tuples(st.sampled_from(["", "Tea"]), st.none() | st.integers(0, 2)), max_size=3
            ),
        }
    ),
    max_size=6,
)


def tables(corpus: list[dict[str, Any]], order: list[int]) -> tuple[pa.Table, pa.Table]:
    """Return rows, in that order, and states; a document without chunks is a state without rows."""
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
    rows = [rows[place] for place in order if place < len(rows)]
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


@settings(max_examples=300, deadline=None)
@given(corpus=documents, order=st.permutations(range(18)), said=filters)
def test_a_mask_is_what_brute_force_says(
    corpus: list[dict[str, Any]], order: list[int], said: dict[str, Any]
) -> None:
    rows, states = tables(corpus, order)
    expected = [meets(named(row, corpus[row["state"]]), said) for row in rows.to_pylist()]
    found = Fields(rows, states).mask(parse(said))
    assert found.dtype == np.bool_
    assert found.tolist() == expected
