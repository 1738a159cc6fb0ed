"""Put a snapshot together from segments and keep it together while segments come and go.

Mutable and for one thread; what it hands out is not changed afterwards (bitmaps are copied before a change).
A change costs by what is new, not by what is there: each new state is folded in, the rows that it brings to life
or supersedes change their bit and enter or leave the lexical index, and rows that compaction only moved keep
their place there.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from freshline.index.keyfold import Change, Kept, KeyFold
from freshline.index.layout import Segment
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.port import LexicalIndex, LexicalView, NewIndex
from freshline.retrieval.live import LiveSegment, Places, SegmentRows

#: Share of deleted rows from which the lexical index is built anew, and rows from which that matters.
_WASTE, _ROWS = 0.5, 1000


class Assembly:
    """Live segments of one generation."""

    def __init__(self, new_index: NewIndex = TantivyIndex) -> None:
        self._new_index = new_index
        self._fold = KeyFold()
        self._segments: dict[int, LiveSegment] = {}
        self._numbers: dict[str, int] = {}
        self._uids: dict[int, Places] = {}  # by segment number: uid of each live row, -1 of others
        self._lexical: dict[int, LexicalIndex] = {}  # by shard
        self._next = 0

    @property
    def ids(self) -> set[str]:
        """Return the ids of the segments that are in."""
        return set(self._numbers)

    @property
    def wasteful(self) -> bool:
        """Whether so much was deleted that a new assembly is better."""
        return any(
            index.waste > _WASTE and index.waste * index.rows > _ROWS for index in self._lexical.values()
        )

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
        dead = np.zeros(segment.rows.num_rows, bool)
        self._segments[number] = LiveSegment(SegmentRows(number, segment), dead)
        self._uids[number] = np.full(segment.rows.num_rows, -1, np.int64)
        if segment.add.shard not in self._lexical:
            self._lexical[segment.add.shard] = self._new_index()
        return number

    def _leave(self, segment_id: str) -> bool:
        number = self._numbers.pop(segment_id)
        keys = set(self._segments[number].rows.segment.states["key"].to_pylist())
        del self._segments[number], self._uids[number]
        return not self._fold.refers_to(number, keys)

    def _turn(self, changes: Iterable[Change]) -> None:
        dying: dict[int, list[int]] = defaultdict(list)
        rising: dict[int, list[int]] = defaultdict(list)
        moving: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for before, after in changes:
            if before and after and before.revision == after.revision:
                pair = before.place.segment, after.place.segment
                moving[pair].append((before.place.state, after.place.state))
                continue
            if before:
                dying[before.place.segment].append(before.place.state)
            if after:
                rising[after.place.segment].append(after.place.state)
        for (old, new), states in moving.items():
            left, arrived = self._move(old, new, np.array(states, np.int64))
            dying[old].extend(left)
            rising[new].extend(arrived)
        for number, gone in dying.items():
            self._kill(number, np.array(gone, np.int64))
        for number, come in rising.items():
            self._raise(number, np.array(come, np.int64))

    def _move(self, old: int, new: int, states: Places) -> tuple[list[int], list[int]]:
        """Carry live rows over; return the states (old, new) whose rows are not the same in number.

        Compaction drops the rows of what has expired.
        """
        source, target = self._segments[old].rows, self._segments[new].rows
        same = source.counts(states[:, 0]) == target.counts(states[:, 1])
        rows_from, rows_to = source.rows_of(states[same, 0]), target.rows_of(states[same, 1])
        uids = self._uids[old][rows_from]
        self._lexical[target.segment.add.shard].move(uids, new, rows_to)
        self._set(old, rows_from, np.full(len(uids), -1, np.int64))
        self._set(new, rows_to, uids)
        return states[~same, 0].tolist(), states[~same, 1].tolist()

    def _kill(self, number: int, states: Places) -> None:
        segment = self._segments[number].rows
        rows = segment.rows_of(states)
        self._lexical[segment.segment.add.shard].delete(self._uids[number][rows])
        self._set(number, rows, np.full(len(rows), -1, np.int64))

    def _raise(self, number: int, states: Places) -> None:
        segment = self._segments[number].rows
        rows = segment.rows_of(states)
        self._set(
            number, rows, self._lexical[segment.segment.add.shard].add(number, segment.segment.rows, rows)
        )

    def _set(self, number: int, rows: Places, uids: Places) -> None:
        """Note the uids of rows, -1 = not live, in a new bitmap: snapshots hold the old one."""
        segment = self._segments[number]
        self._uids[number][rows] = uids
        live = segment.live.copy()
        live[rows] = uids >= 0
        self._segments[number] = LiveSegment(segment.rows, live)
