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

from freshline.index.vectors import EXACT_ROWS, candidates_for, codes_of, flat_of, products, threads_at_most
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
    for sight in dict.fromkeys(sights):
        queries = [place for place, one in enumerate(sights) if one is sight]
        for number, segment in segments.items():
            with threads_at_most(1 + len(queries) * len(sight.masks[number]) // _WORK):
                found = _search(
                    segment.rows.segment.index, sight.masks[number], vectors[queries], depth, exact
                )
            for query, (scores, rows) in zip(queries, found, strict=False):
                numbers = np.full(len(rows), number, np.int64)
                parts[query].append(Candidates(scores, segment.rows.chunk_ids[rows], numbers, rows))
    return [rank(each, depth) for each in parts]


def _search(index: Any, mask: Mask, vectors: Vectors, depth: int, exact: bool) -> Sequence[Found]:
    """Return for each vector its best `depth` rows and those that tie with the last of them; [] if none is seen."""
    count = int(np.count_nonzero(mask))
    if count == 0:
        return []
    bits = np.packbits(mask, bitorder="little")  # FAISS keeps a pointer: alive until the search is done
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type] # stubs lack the NumPy form
    wanted = min(depth, count)
    if codes_of(index) is None or exact or count <= max(EXACT_ROWS, depth):
        return _compared(flat_of(index), selector, vectors, wanted, count)
    return _proposed(index, selector, vectors, wanted, count)


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


def _proposed(index: Any, selector: Any, vectors: Vectors, wanted: int, count: int) -> list[Found]:
    """Compare the first of what the codes propose, all of it where that may not be enough, else every row."""
    flat, codes = flat_of(index), codes_of(index)
    parameters = faiss.SearchParametersIVF(sel=selector, nprobe=1)  # type: ignore[call-arg] # and these
    guesses, rows = codes.search(vectors, min(candidates_for(index, wanted), count), params=parameters)  # type: ignore[union-attr] # not None here
    found: dict[int, Found] = {}
    left = np.arange(len(vectors))
    for share in (_FIRST, 1):
        depth = max(wanted, int(share * rows.shape[1]))
        scores = products(flat, vectors[left], rows[left, :depth])
        settled = _settled(guesses[left, :depth], rows[left, :depth], scores, wanted)
        for place in np.flatnonzero(settled).tolist():
            found[int(left[place])] = _best(scores[place], rows[left[place], :depth], wanted)
        left = left[~settled]
    if len(left):
        found |= zip(left.tolist(), _compared(flat, selector, vectors[left], wanted, count), strict=True)
    return [found[query] for query in range(len(vectors))]


def _best(scores: Vectors, rows: NDArray[np.int64], wanted: int) -> Found:
    """Return the best `wanted` of as many rows as there are scores, and what ties with the last of them."""
    best = np.flatnonzero(scores >= np.partition(scores, -wanted)[-wanted])
    return scores[best], rows[best]


def _settled(guesses: Vectors, rows: NDArray[np.int64], scores: Vectors, wanted: int) -> NDArray[np.bool_]:
    """Return bool[q]: whether what was not proposed is worse than the last wanted one of float32[q, n].

    By how far the codes' guesses were off for this question. Guesses off by 0 ± .01, the last one .40: what lies behind
    it reaches .425 at most. Settled where the last wanted row has .43, not where it has .41: a filter that leaves only
    rows about equally far from the question does that. Nothing is settled where too few were proposed (row -1).
    """
    settled: NDArray[np.bool_] = np.asarray((rows >= 0).all(axis=1) & (scores.shape[1] >= wanted))
    if not settled.any():
        return settled
    guesses, scores = guesses[settled], scores[settled]
    off = scores - guesses
    reach = guesses.min(axis=1) + off.mean(axis=1) + _SPREADS * off.std(axis=1)
    settled[settled] = np.partition(scores, -wanted, axis=1)[:, -wanted] >= reach
    return settled
