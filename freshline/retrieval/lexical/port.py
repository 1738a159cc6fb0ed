"""Lexical search: its port, and the ranking of a snapshot's shards together.

A shard has one index, which is told of segments and which a snapshot takes views of. What a request may see, liveness
included, is decided by its sight alone. tantivy stands behind the port (freshline.retrieval.lexical.index); a search
server could.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.retrieval.lexical.seen import Seen
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.ranking import Candidates, Ranking, rank
from freshline.retrieval.sight import Sight

#: int64[n, 2]: segment number and row
Places = NDArray[np.int64]


class Found(NamedTuple):
    """Rows that a question was found in, in no order: float32[n], int64[n, 2]."""

    scores: NDArray[np.float32]
    places: Places


class LexicalView(Protocol):
    """An index at one moment; does not change. Any number of threads search it."""

    @property
    def rows(self) -> int:
        """Return how many rows are in."""
        ...

    def search(self, text: str, seen: Seen, depth: int) -> Found:
        """Return at least the best `depth` of all seen rows that hold a term, and what ties with the last of them.

        Fewer only where there are no more. Scores are positive, greater = better, and depend on neither `seen` nor
        `depth`. No text raises, none is read as an operator; one without a term finds nothing. `seen` has a mask for
        each segment that is in.
        """
        ...

    def scores(self, text: str, places: Places) -> NDArray[np.float32]:
        """Return float32[n]: what `search` gives the rows at these places, which are in; 0 for those without a term."""
        ...


class LexicalIndex(Protocol):
    """The segments of one shard: columns collection, title, heading, text. Serves one thread.

    What a view scores with is a function of the rows that are in: the order in which segments came, and what was in
    before, change nothing.
    """

    def enter(self, number: int, name: str, rows: pa.Table, packed: bytes | memoryview | None = None) -> None:
        """Take in all rows of a segment under a number; `packed` is its lexical file, where it has one."""
        ...

    def leave(self, number: int) -> None:
        """Take a segment out. Views that have it keep it."""
        ...

    def view(self) -> LexicalView:
        """Return the index as it is now."""
        ...


#: Makes the empty index of one shard
NewIndex = Callable[[], LexicalIndex]


def lexical(
    views: Mapping[int, LexicalView],
    segments: Mapping[int, LiveSegment],
    sights: Sequence[Sight],
    texts: Sequence[str],
    *,
    depth: int,
) -> list[Ranking]:
    """Return the best `depth` rows for each text, seen with its sight; [] for a text without a term."""
    seen = {id(sight): Seen(sight) for sight in sights}
    return [
        rank([_part(segments, view.search(text, seen[id(sight)], depth)) for view in views.values()], depth)
        for text, sight in zip(texts, sights, strict=True)
    ]


def _part(segments: Mapping[int, LiveSegment], found: Found) -> Candidates:
    """Name the rows found, segment by segment."""
    numbers, rows = found.places.T
    each = {number: numbers == number for number in set(numbers.tolist())}
    named = {number: segments[number].rows.chunk_ids[rows[here]] for number, here in each.items()}
    ids = np.empty(len(rows), max((one.dtype for one in named.values()), default=np.dtype("S1")))
    for number, here in each.items():
        ids[here] = named[number]
    return Candidates(found.scores, ids, numbers, rows)
