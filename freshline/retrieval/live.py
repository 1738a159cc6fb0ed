"""A segment as a snapshot holds it: its rows, what masks are made of, and which rows are live."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from freshline.index.layout import Segment
from freshline.retrieval.masks import Facets, Mask, facets_of

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SegmentRows:
    """What never changes of a loaded segment. `number` is this process's name for it."""

    number: int
    segment: Segment
    facets: Facets = field(init=False)
    #: UTF-8 bytes[n]: for ordering ties
    chunk_ids: NDArray[np.bytes_] = field(init=False)
    #: rows sorted by (state, ordinal), and where each state's rows begin in that order; starts[-1] = n
    order: Places = field(init=False)
    starts: Places = field(init=False)
    #: each row's state, and its place in that order
    owners: NDArray[np.int32] = field(init=False)
    positions: Places = field(init=False)

    def __post_init__(self) -> None:
        rows = self.segment.rows
        owners = rows["state"].to_numpy()
        order = np.lexsort((rows["ordinal"].to_numpy(), owners))
        starts = np.searchsorted(owners[order], np.arange(self.segment.states.num_rows + 1))
        object.__setattr__(self, "facets", facets_of(rows, self.segment.states))
        ids = [chunk_id.encode() for chunk_id in rows["chunk_id"].to_pylist()]
        object.__setattr__(self, "chunk_ids", np.array(ids, dtype=np.bytes_))
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "owners", owners)
        object.__setattr__(self, "positions", np.argsort(order))

    def counts(self, states: Places) -> Places:
        """Return how many rows each of these states has."""
        counts: Places = self.starts[states + 1] - self.starts[states]
        return counts

    def rows_of(self, states: Places) -> Places:
        """Return the rows of these states: states in the order given, rows by ordinal.

        Example: starts = [0, 2, 2, 3], order = [1, 0, 2], states = [2, 0]  ->  [2, 1, 0]
        """
        counts = self.counts(states)
        ends = np.cumsum(counts)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        rows: Places = self.order[np.repeat(self.starts[states], counts) + within]
        return rows

    def around(self, row: int, reach: int) -> list[int]:
        """Return the rows of the same state at most `reach` ordinals before and after, by ordinal, itself among them.

        Example: starts = [0, 3, 5], order = [1, 0, 4, 2, 3], reach 1: row 0 -> [1, 0, 4]; row 2 -> [2, 3]
        """
        state, position = self.owners[row], int(self.positions[row])
        first = max(int(self.starts[state]), position - reach)
        end = min(int(self.starts[state + 1]), position + reach + 1)
        rows: list[int] = self.order[first:end].tolist()
        return rows


@dataclass(frozen=True, eq=False)
class LiveSegment:
    """A segment at one moment: live[i] says whether row i belongs to the live state of its key."""

    rows: SegmentRows
    live: Mask
