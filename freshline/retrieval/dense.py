"""Nearest neighbours over the segments of a snapshot, by inner product, one FAISS call a segment and sight.

FAISS sees the mask of a sight as its selector, so nothing is filtered afterwards. Where few rows may be seen, or the
segment is small, every one of them is compared. Elsewhere the segment's codes propose candidates, several for each
wanted row, and what they propose is compared; how far the codes were off says whether that was enough.

Either way a score is the product of two stored vectors, computed by itself and not as a block of a matrix product: it
depends on these two alone, to the last bit, however rows are cut into segments and however they were found.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from freshline.index.layout import Segment
from freshline.index.vectors import EXACT_ROWS, candidates_for, products, threads_at_most
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.masks import Mask
from freshline.retrieval.ranking import Candidates, Ranking, rank
from freshline.retrieval.sight import Sight

Vectors = NDArray[np.float32]
#: Standard deviations that a guess may be off: in 240 measured searches all was found from 2.5 on (decision 0024).
_SPREADS = 2.5
#: Share of the proposals that is compared first, 6 of 16 for each wanted row: each is a read somewhere in the segment.
_FIRST = 0.375
#: Codes that one thread reads at least, about 5 ms: a second one for less waits at barriers longer than it works.
_WORK = 2**20
#: Scores and rows of one query
Found = tuple[NDArray[np.float32], NDArray[np.int64]]


def dense(
    segments: Mapping[int, LiveSegment],
    sights: Sequence[Sight],
    vectors: Vectors,
    *,
    depth: int,
    exact: bool = False,
) -> list[Ranking]:
    """Return the best `depth` rows for each of vectors float32[n, d], seen with sights[n]. depth ≥ 1.

    Never fewer while so many are visible. Exact in segments of up to EXACT_ROWS rows and where so few may be seen,
    ties at the end included; everywhere with `exact`.
    """
    parts: list[list[Candidates]] = [[] for _ in sights]
    groups: dict[Sight, list[int]] = {}
    for query, sight in enumerate(sights):
        groups.setdefault(sight, []).append(query)
    for sight, queries in groups.items():
        asked = np.ascontiguousarray(vectors[queries], np.float32)
        for number, segment in segments.items():
            found = _search(segment.rows.segment, sight.masks[number], asked, depth, exact)
            for query, (scores, rows) in zip(queries, found, strict=False):
                numbers = np.full(len(rows), number, np.int64)
                parts[query].append(Candidates(scores, segment.rows.chunk_ids[rows], numbers, rows))
    return [rank(each, depth) for each in parts]


def _search(segment: Segment, mask: Mask, vectors: Vectors, depth: int, exact: bool) -> Sequence[Found]:
    """Return for each vector its best `depth` rows and those that tie with the last of them; [] if none is seen."""
    count = int(np.count_nonzero(mask))
    if count == 0:
        return []
    bits = np.packbits(mask, bitorder="little")  # FAISS keeps a pointer: alive until the search is done
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type] # stubs lack the NumPy form
    wanted = min(depth, count)
    with threads_at_most(1 + len(vectors) * len(mask) // _WORK):
        if segment.codes is None or exact or count <= max(EXACT_ROWS, depth):
            return _compared(segment.flat, selector, vectors, wanted, count)
        return _proposed(segment, selector, vectors, wanted, count)


def _compared(flat: Any, selector: Any, vectors: Vectors, wanted: int, count: int) -> list[Found]:
    """Compare every row that the selector lets through."""
    parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg] # stubs lack the keyword
    scores, rows = flat.search(vectors, min(wanted + 1, count), params=parameters)
    found = list(zip(scores, rows, strict=True))
    for query in np.flatnonzero(scores[:, wanted] == scores[:, wanted - 1]) if count > wanted else ():
        below = float(np.nextafter(scores[query, wanted], np.float32(-np.inf)))
        _, *tied = flat.range_search(vectors[query : query + 1], below, params=parameters)
        found[query] = (tied[0], tied[1])
    return found


def _proposed(segment: Segment, selector: Any, vectors: Vectors, wanted: int, count: int) -> list[Found]:
    """Compare the first of what the codes propose, all of it where that may not be enough, else every row."""
    flat, codes = segment.flat, segment.codes
    parameters = faiss.SearchParametersIVF(sel=selector, nprobe=1)  # type: ignore[call-arg] # and these
    proposals = min(candidates_for(segment.index, wanted), count)
    guesses, rows = codes.search(vectors, proposals, params=parameters)  # type: ignore[union-attr] # not None here
    found: dict[int, Found] = {}
    left = np.arange(len(vectors))
    for share in (_FIRST, 1):
        depth = max(wanted, int(share * rows.shape[1]))
        if depth > rows.shape[1]:
            continue
        scores = products(flat, vectors[left], rows[left, :depth])
        least = np.partition(scores, -wanted, axis=1)[:, -wanted]
        settled = (rows[left, depth - 1] >= 0) & (least >= _reach(guesses[left, :depth], scores))
        for place in np.flatnonzero(settled).tolist():
            best = np.flatnonzero(scores[place] >= least[place])
            found[int(left[place])] = scores[place, best], rows[left[place], best]
        left = left[~settled]
        if not len(left):
            break
    else:
        found |= zip(left.tolist(), _compared(flat, selector, vectors[left], wanted, count), strict=True)
    return [found[query] for query in range(len(vectors))]


def _reach(guesses: Vectors, scores: Vectors) -> NDArray[np.float32]:
    """Return for each query what nothing behind its guesses float32[q, n] scores above, best first; n ≥ 1.

    By how far the codes' guesses were off for this question. Guesses off by 0 ± .01, the last one .40: what lies behind
    it reaches .425 at most. Enough was proposed where the last wanted row has .43, not where it has .41: a filter that
    leaves only rows about equally far from the question does that. No number where fewer than n were proposed.
    """
    count = scores.shape[1]
    with np.errstate(invalid="ignore", over="ignore"):
        off = scores - guesses
        mean = (
            np.add.reduce(off, axis=1) / count
        )  # as .mean() and .std(), at a fifth of the time for one question
        off -= mean[:, None]
        reach: NDArray[np.float32] = guesses[:, -1] + mean
        reach += _SPREADS * np.sqrt(np.einsum("ij,ij->i", off, off) / count)
    return reach
