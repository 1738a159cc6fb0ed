"""Merge segments into one, without I/O: what is superseded goes, what a late event may need stays.

One part of the keys at a time (freshline.index.parts). The segments are gone through twice, one after the other: first
their states are folded, then what survives is taken. Where each of them is read when its turn comes, one input and
the result are in memory, and no more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.index.keyfold import Kept, KeyFold
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES, Segment
from freshline.index.parts import WHOLE, members

#: How long rows stay behind their expiry. Searches leave them out at once, by the clock of the moment; here they go
#: for good, and a clock that is set wrong for some hours must not take what has not expired.
GRACE_MS = 24 * 3600 * 1000


@dataclass(frozen=True, eq=False)
class Merged:
    """What write_segment takes."""

    rows: pa.Table
    states: pa.Table
    vectors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Folded:
    """The states that stay, and for each segment which of them each of its states became: -1 = none."""

    states: pa.Table
    became: Sequence[NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class _Taken:
    """What survives of one segment: rows, their vectors float32[n, d] and their states int32[n] in the result."""

    rows: pa.Table
    vectors: NDArray[np.float32]
    owners: NDArray[np.int32]


def merge(segments: Iterable[Segment], *, now_ms: int, part: str = WHOLE) -> Merged:
    """Return those states of a part's keys that are not superfluous among these segments, with rows and vectors.

    A key's newest state and floor always stay, deletes included: without them a late event would bring an
    older state back. Rows that expired a day (GRACE_MS) before now_ms (since the epoch) go; their states stay.
    Sorted by key. `segments` is iterated twice, in the same order.
    """
    folded = _fold(segments, part)
    taken = [_take(one, became, now_ms) for one, became in zip(segments, folded.became, strict=True)]
    return _ordered(taken, folded.states)


def _fold(segments: Iterable[Segment], part: str) -> _Folded:
    fold = KeyFold()
    before: dict[str, Kept | None] = {}
    mine, where, counts = [], [], []
    for number, segment in enumerate(segments):
        chosen = members(segment.states["key"].to_pylist(), part)
        states = segment.states.take(chosen)
        fold.add(number, states, before)
        mine.append(states)
        where.append(chosen)
        counts.append(segment.states.num_rows)
    if not mine:
        raise ValueError("nothing to merge")
    places = [place for key in fold.sorted_keys() for place in fold.places(key)]
    became = [np.full(count, -1, np.int32) for count in counts]
    for number, place in enumerate(places):
        became[place.segment][where[place.segment][place.state]] = number
    starts = np.cumsum([0, *map(len, where)])
    order = pa.array([starts[place.segment] + place.state for place in places], pa.int64())
    return _Folded(pa.concat_tables(mine).take(order).cast(SEGMENT_STATES), became)


def _take(segment: Segment, became: NDArray[np.int32], now_ms: int) -> _Taken:
    """Take the rows of states that stay, unless they have expired for longer than the grace. Only these are copied."""
    owners = became[segment.rows["state"].to_numpy()]
    expires = segment.rows["expires_at"].cast(pa.int64()).fill_null(np.iinfo(np.int64).max).to_numpy()
    chosen = np.flatnonzero((owners >= 0) & (expires > (now_ms - GRACE_MS) * 1000))
    return _Taken(segment.rows.take(chosen), segment.taken(chosen), owners[chosen])


def _ordered(taken: list[_Taken], states: pa.Table) -> Merged:
    """Sort rows by state and ordinal: the same inputs give the same segment. Empties `taken` on the way."""
    rows = pa.concat_tables(one.rows for one in taken)
    owners = np.concatenate([one.owners for one in taken])
    order = np.lexsort((rows["ordinal"].to_numpy(), owners))
    vectors = np.empty((len(order), taken[0].vectors.shape[1]), np.float32)
    goes_to, start = np.argsort(order), 0
    while taken:
        one = taken.pop(0)
        vectors[goes_to[start : start + len(one.owners)]] = one.vectors
        start += len(one.owners)
    place = rows.schema.get_field_index("state")
    rows = rows.take(order).set_column(place, SEGMENT_ROWS.field("state"), pa.array(owners[order]))
    return Merged(rows.cast(SEGMENT_ROWS), states, vectors)
