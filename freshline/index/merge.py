"""Merge segments into one, without I/O: what is superseded goes, what a late event may need stays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.index.keyfold import Kept, KeyFold, Place
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES, Segment

#: How long rows stay behind their expiry. Searches leave them out at once, by the clock of the moment; here they go
#: for good, and a clock that is set wrong for some hours must not take what has not expired.
GRACE_MS = 24 * 3600 * 1000


@dataclass(frozen=True, eq=False)
class Merged:
    """What write_segment takes."""

    rows: pa.Table
    states: pa.Table
    vectors: NDArray[np.float32]


def merge(segments: Sequence[Segment], *, now_ms: int) -> Merged:
    """Return the states of these segments that are not superfluous among them, with their rows and vectors.

    A key's newest state and floor always stay, deletes included: without them a late event would bring an
    older state back. Rows that expired a day (GRACE_MS) before now_ms (since the epoch) go; their states stay.
    Sorted by key.
    """
    if not segments:
        raise ValueError("nothing to merge")
    places = _kept(segments)
    states = _take([one.states for one in segments], places, SEGMENT_STATES)
    new_place = {place: number for number, place in enumerate(places)}
    rows, vectors, owners = [], [], []
    for number, segment in enumerate(segments):
        chosen = _surviving(segment, number, new_place, now_ms)
        rows.append(segment.rows.take(chosen))
        vectors.append(segment.vectors()[chosen])
        old = segment.rows["state"].to_numpy()[chosen]
        owners.append(np.array([new_place[Place(number, state)] for state in old.tolist()], np.int32))
    return _ordered(pa.concat_tables(rows), states, np.concatenate(vectors), np.concatenate(owners))


def _kept(segments: Sequence[Segment]) -> list[Place]:
    fold = KeyFold()
    before: dict[str, Kept | None] = {}
    for number, segment in enumerate(segments):
        fold.add(number, segment.states, before)
    return [place for key in fold.sorted_keys() for place in fold.places(key)]


def _take(tables: Sequence[pa.Table], places: Sequence[Place], schema: pa.Schema) -> pa.Table:
    """Take rows by place, in the order given."""
    starts = np.cumsum([0, *(table.num_rows for table in tables)])
    indices = [starts[place.segment] + place.state for place in places]
    return pa.concat_tables(tables).take(pa.array(indices, pa.int64())).cast(schema)


def _surviving(segment: Segment, number: int, kept: dict[Place, int], now_ms: int) -> NDArray[np.int64]:
    """Return the rows of kept states that have not expired for longer than the grace."""
    stays = np.array([Place(number, state) in kept for state in range(segment.states.num_rows)], bool)
    expires = segment.rows["expires_at"].cast(pa.int64()).fill_null(np.iinfo(np.int64).max).to_numpy()
    return np.flatnonzero(stays[segment.rows["state"].to_numpy()] & (expires > (now_ms - GRACE_MS) * 1000))


def _ordered(
    rows: pa.Table, states: pa.Table, vectors: NDArray[np.float32], owners: NDArray[np.int32]
) -> Merged:
    """Sort rows by state and ordinal: the same inputs give the same segment."""
    order = np.lexsort((rows["ordinal"].to_numpy(), owners))
    place = rows.schema.get_field_index("state")
    rows = rows.take(order).set_column(place, SEGMENT_ROWS.field("state"), pa.array(owners[order]))
    return Merged(rows.cast(SEGMENT_ROWS), states, vectors[order])
