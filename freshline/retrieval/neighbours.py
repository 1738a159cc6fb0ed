"""What stands before and after a hit in its document: more for a generator to read. Hits stay what was retrieved.

A state's rows lie in one segment, and SegmentRows knows their order, so neighbours are found by arithmetic.
"""

from collections.abc import Sequence

from freshline.retrieval.fetch import hits_of
from freshline.retrieval.hit import Hit, Place
from freshline.retrieval.masks import scope_of
from freshline.retrieval.ranking import Candidate
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.sight import Sight, see
from freshline.retrieval.snapshot import Snapshot


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
    sights = see(snapshot.segments, [scope_of(request) for request in requests], now_ms)
    beside = [_beside(snapshot, hits, sight, around) for hits, sight in zip(found, sights, strict=True)]
    return [
        (*hits, *neighbours)
        for hits, neighbours in zip(found, hits_of(snapshot.segments, beside), strict=True)
    ]


def _beside(snapshot: Snapshot, hits: Sequence[Hit], sight: Sight, around: int) -> list[Candidate]:
    known = {hit.place for hit in hits}
    neighbours = []
    for hit in hits:
        if hit.place is None:
            raise ValueError(f"chunk {hit.chunk_id} has no place: only hits of a search have neighbours")
        number, row = hit.place
        rows = snapshot.segments[number].rows
        for near in rows.around(row, around):
            place = Place(number, near)
            if place not in known and sight.masks[number][near]:
                known.add(place)
                chunk_id = rows.chunk_ids[near].decode()
                neighbours.append(Candidate(hit.score, chunk_id, number, near))
    return neighbours
