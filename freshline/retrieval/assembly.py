"""Put a snapshot together from segments and keep it together while segments come and go.

Mutable and for one thread; what it hands out is not changed afterwards (bitmaps are copied before a change).
A change costs by what is new, not by what is there: each new state is folded in, and the rows that it brings to life or
supersedes change their bit. The lexical index takes segments as they are: which rows are live is the bitmaps' to say.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from freshline.index.keyfold import Change, Kept, KeyFold
from freshline.index.layout import Segment
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.port import LexicalIndex, LexicalView, NewIndex
from freshline.retrieval.live import LiveSegment, SegmentRows


class Assembly:
    """Live segments of one generation."""

    def __init__(self, new_index: NewIndex = TantivyIndex) -> None:
        self._new_index = new_index
        self._fold = KeyFold()
        self._segments: dict[int, LiveSegment] = {}
        self._numbers: dict[str, int] = {}
        self._lexical: dict[int, LexicalIndex] = {}  # by shard
        self._next = 0

    @property
    def ids(self) -> set[str]:
        """Return the ids of the segments that are in."""
        return set(self._numbers)

    def loaded(self) -> dict[str, Segment]:
        """Return the segments by id, for another assembly."""
        return {one.rows.segment.add.segment: one.rows.segment for one in self._segments.values()}

    def segments(self) -> dict[int, LiveSegment]:
        """Return the segments by number, as they are now."""
        return dict(self._segments)

    def lexical(self) -> dict[int, LexicalView]:
        """Return the lexical index of each shard, as it is now."""
        return {shard: index.view() for shard, index in self._lexical.items()}

    def replace(self, new: Sequence[Segment], gone: Iterable[str]) -> bool:
        """Take segments in and out.

        False: what is live lies in a segment that goes without a successor, so this assembly is of no more use
        and a new one must be built. An exception leaves it of no use either.
        """
        before: dict[str, Kept | None] = {}
        for segment in new:
            self._fold.add(self._enter(segment), segment.states, before)
        self._turn(self._fold.changes(before))
        return all(self._leave(segment_id) for segment_id in gone)

    def _enter(self, segment: Segment) -> int:
        number, self._next = self._next, self._next + 1
        self._numbers[segment.add.segment] = number
        self._segments[number] = LiveSegment(
            SegmentRows(number, segment), np.zeros(segment.rows.num_rows, bool)
        )
        shard = segment.add.shard
        if shard not in self._lexical:
            self._lexical[shard] = self._new_index()
        self._lexical[shard].enter(number, segment.add.segment, segment.rows, segment.lexical)
        return number

    def _leave(self, segment_id: str) -> bool:
        number = self._numbers.pop(segment_id)
        segment = self._segments.pop(number).rows.segment
        self._lexical[segment.add.shard].leave(number)
        return not self._fold.refers_to(number, set(segment.states["key"].to_pylist()))

    def _turn(self, changes: Iterable[Change]) -> None:
        dying: dict[int, list[int]] = defaultdict(list)
        rising: dict[int, list[int]] = defaultdict(list)
        for before, after in changes:
            if before:
                dying[before.place.segment].append(before.place.state)
            if after:
                rising[after.place.segment].append(after.place.state)
        for number in dying.keys() | rising.keys():
            self._set(number, dying[number], rising[number])

    def _set(self, number: int, dying: Sequence[int], rising: Sequence[int]) -> None:
        """Turn the rows of states off and on in a new bitmap: snapshots hold the old one."""
        segment = self._segments[number]
        live = segment.live.copy()
        live[segment.rows.rows_of(np.array(dying, np.int64))] = False
        live[segment.rows.rows_of(np.array(rising, np.int64))] = True
        self._segments[number] = LiveSegment(segment.rows, live)
