"""Exact nearest neighbours over the segments of a snapshot, by inner product.

FAISS sees the mask of a sight as its selector, so nothing is filtered afterwards. With a selector
FAISS computes each product by itself, not as a block of a matrix product: a score depends on the two vectors
alone, to the last bit, however rows are cut into segments.
"""

from collections.abc import Iterable, Mapping, Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.live import LiveSegment
from freshline.retrieval.masks import Mask
from freshline.retrieval.ranking import Part, Ranking, rank
from freshline.retrieval.sight import Sight

Vectors = NDArray[np.float32]


def dense(
    segments: Mapping[int, LiveSegment], sights: Sequence[Sight], vectors: Vectors, *, depth: int
) -> list[Ranking]:
    """Return the best `depth` rows for each of vectors float32[n, d], seen with sights[n]. depth ≥ 1."""
    parts: list[list[Part]] = [[] for _ in sights]
    for sight in dict.fromkeys(sights):
        queries = [place for place, one in enumerate(sights) if one is sight]
        for number, segment in segments.items():
            found = _search(segment, sight.masks[number], vectors[queries], depth)
            for query, part in zip(queries, found, strict=False):
                parts[query].append(part)
    return [rank(each, depth) for each in parts]


def _search(segment: LiveSegment, mask: Mask, vectors: Vectors, depth: int) -> Iterable[Part]:
    """Yield one part per vector: its best `depth` rows of this segment, and all that tie with the last of them."""
    count = int(np.count_nonzero(mask))
    if count == 0:
        return
    bits = np.packbits(mask, bitorder="little")  # FAISS keeps a pointer: alive until the search is done
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type] # stubs lack the NumPy form
    parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg] # and the keyword
    index = segment.rows.segment.index
    scores, rows = index.search(vectors, min(depth + 1, count), params=parameters)
    for query in range(len(vectors)):
        best, where = scores[query], rows[query]
        if count > depth and best[depth] == best[depth - 1]:
            below = float(np.nextafter(best[depth], np.float32(-np.inf)))
            _, best, where = index.range_search(vectors[query : query + 1], below, params=parameters)
        numbers = np.full(len(where), segment.rows.number, np.int64)
        yield Part(best, segment.rows.chunk_ids[where], numbers, where)
