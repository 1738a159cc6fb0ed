"""Segments of which only the vectors matter: chunk i of all has the id "00000i"."""

import numpy as np
import pyarrow as pa

from freshline.index.entries import Add
from freshline.index.layout import SEGMENT_FORMAT, SEGMENT_ROWS, SEGMENT_STATES, Segment
from freshline.index.vectors import make_index
from freshline.retrieval.live import LiveSegment, SegmentRows

_ROW = {"key": "c/d", "collection": "c", "doc_id": "d", "start": 0, "end": 0, "heading": "", "text": ""}


def numbered_segment(number: int, vectors: np.ndarray, first: int = 0) -> LiveSegment:
    """Return a segment of float32[n, d], all live, all of one document; row 0 is chunk `first`."""
    count = len(vectors)
    columns: dict[str, object] = {name: [value] * count for name, value in _ROW.items()}
    columns |= {"chunk_id": [f"{first + row:06}" for row in range(count)], "ordinal": range(count)}
    columns |= {"state": [0] * count, "acl": [["public"]] * count}
    rows = pa.table(
        {field.name: pa.array(columns.get(field.name, [None] * count), field.type) for field in SEGMENT_ROWS}
    )
    state = {field.name: 0 if pa.types.is_integer(field.type) else None for field in SEGMENT_STATES}
    states = pa.Table.from_pylist([state | {"key": "c/d", "kind": "put"}], schema=SEGMENT_STATES)
    add = Add(
        segment=str(number),
        shard=0,
        generation=0,
        path="",
        files={},
        rows=count,
        states=1,
        bytes=0,
        fingerprint="",
        format=SEGMENT_FORMAT,
    )
    segment = Segment(add, make_index(vectors), rows, states)
    return LiveSegment(SegmentRows(number, segment), np.ones(count, bool))
