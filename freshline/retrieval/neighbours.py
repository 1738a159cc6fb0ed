"""What stands before and after a hit in its document: more for a generator to read. Hits stay what was retrieved.

A state's rows lie in one segment, and SegmentRows knows their order, so neighbours are found by arithmetic.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from freshline.retrieval.hit import Hit, Place
from freshline.retrieval.hits import hits_of
from freshline.retrieval.local import LocalSource
from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.source import Batch, Source


def expand(
    snapshot: Snapshot,
    requests: Sequence[SearchRequest],
    found: Sequence[Sequence[Hit]],
    *,
    now_ms: int,
    around: int,
) -> list[tuple[Hit, ...]]:
    """Return the hits of each request, best first, then the chunks up to `around` before and after each of them.

    Neighbours are of the same state, each once, and such as the request may see at now_ms; those of a better hit come
    first, and among those they stand as in the document. A neighbour's score is its hit's. `found` are hits of this
    snapshot.
    """
    if around <= 0:
        return [tuple(hits) for hits in found]
    unused = np.empty((len(requests), 0), np.float32)
    source = LocalSource(snapshot, Batch(requests=requests, vectors=unused, now_ms=now_ms))
    return expand_in(source, found, around)


def expand_in(source: Source, found: Sequence[Sequence[Hit]], around: int) -> list[tuple[Hit, ...]]:
    """Return the hits of each query of a source with what stands beside them, as `expand` does."""
    wanted = {query: [_place(hit) for hit in hits] for query, hits in enumerate(found) if hits}
    if around <= 0 or not wanted:
        return [tuple(hits) for hits in found]
    near = source.around(wanted, around)
    beside = [_beside(hits, near, query) for query, hits in enumerate(found)]
    return [(*hits, *neighbours) for hits, neighbours in zip(found, hits_of(source, beside), strict=True)]


def _beside(hits: Sequence[Hit], near: Mapping[int, Sequence[Sequence[Candidate]]], query: int) -> Ranking:
    known = {hit.place for hit in hits}
    neighbours: list[Candidate] = []
    for hit, rows in zip(hits, near.get(query, ()), strict=True):
        for one in rows:
            place = Place(one.number, one.row)
            if place not in known:
                known.add(place)
                neighbours.append(one._replace(score=hit.score))
    return neighbours


def _place(hit: Hit) -> Place:
    if hit.place is None:
        raise ValueError(f"chunk {hit.chunk_id} has no place: only hits of a search have neighbours")
    return hit.place
