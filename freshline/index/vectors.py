"""Which FAISS index the vectors of a segment get, and what is in it. Knows no rows and no search.

    up to EXACT_ROWS    IndexFlatIP: the vectors as they are
    above               IndexRefineFlat: the vectors as they are, and beside them a 4-bit code of each

The codes only *propose* candidates; scores always come from the stored vectors (docs/decisions/0024). They are product
quantisation in FastScan's layout, in one inverted list, because FAISS's lists take a selector and the bare codes do
not. All codes are scanned, so no filter can hide a list that was not looked into. They are trained on the segment's own
vectors with a fixed seed: codes trained on what was there before fall behind as topics drift.

FAISS is imported by the functions: an executor forks its workers before they need it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

#: Rows up to which every one is compared: in a segment, and of those that a request may see.
EXACT_ROWS = 4096
#: Share of the best rows that a search must find on average: what does not reach it is compared row by row.
TARGET = 0.99
#: What a calibration aims at: questions are less like the rows than its sample is.
_AIM = 0.999
#: Candidates for each wanted row, tried in this order. 8 would be enough for questions that are like the rows.
FACTORS = (16, 32, 64)
#: Wanted rows that a calibration and a worker's own check are about: as many as a search ranks by default.
WANTED = 50
#: Fewer wanted rows than these are looked for among as many candidates as these.
_FEWEST = 20
_SAMPLE = 64  # questions of a calibration
_TRAINING = 4096  # vectors: 256 for each of a 4-bit code's 16 values
_WORK = 2**16  # products that one thread computes at least, some milliseconds
_SEED = 1
_ROUNDS = 8  # of k-means


def make_index(vectors: Vectors) -> Any:
    """Return the index of float32[n, d] for a segment's file: without codes where n is small or codes do not help."""
    import faiss  # noqa: PLC0415 - after the fork

    vectors = np.ascontiguousarray(vectors)
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    if len(vectors) <= EXACT_ROWS:
        return flat
    codes = _train(vectors)
    codes.add(vectors)
    factor = _calibrated(flat, codes, vectors)
    if factor is None:
        return flat
    index = faiss.IndexRefine(codes, flat)
    index.k_factor = factor
    return index


def from_memory(content: memoryview) -> Any:
    """Return the index of a segment's file; its vectors are read where they lie, so `content` must live as long.

    Raises RuntimeError for what FAISS cannot decode.
    """
    import faiss  # noqa: PLC0415 - after the fork

    raw = np.frombuffer(content, np.uint8)
    reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(raw), raw.size)  # type: ignore[attr-defined] # stubs lack it
    return faiss.read_index(reader)


def flat_of(index: Any) -> Any:
    """Return the part that holds the vectors, an IndexFlatIP; it lives as long as `index`."""
    import faiss  # noqa: PLC0415 - after the fork

    return faiss.downcast_index(index.refine_index) if codes_of(index) is not None else index


def codes_of(index: Any) -> Any | None:
    """Return the part that proposes candidates, None where every row is compared."""
    import faiss  # noqa: PLC0415 - after the fork

    return faiss.downcast_index(index.base_index) if isinstance(index, faiss.IndexRefine) else None


def candidates_for(index: Any, depth: int) -> int:
    """Return how many candidates the codes must propose for the best `depth` rows: 16 · 20 for 10, 16 · 200 for 200."""
    return int(index.k_factor) * max(depth, _FEWEST)


def raise_factor(index: Any) -> bool:
    """Propose twice as many candidates from now on, in this process; False where that was tried to the end."""
    if index.k_factor >= FACTORS[-1]:
        return False
    index.k_factor = 2 * index.k_factor
    return True


def products(flat: Any, queries: Vectors, rows: Rows) -> Vectors:
    """Return float32[q, n]: queries float32[q, d] times rows int64[q, n] of an IndexFlatIP; -∞ for row -1.

    One by one, by the function that FAISS uses under a selector: to the last bit the same score as there.
    """
    import faiss  # noqa: PLC0415 - after the fork

    queries, rows = np.ascontiguousarray(queries, np.float32), np.ascontiguousarray(rows, np.int64)
    scores = np.empty(rows.shape, np.float32)
    with threads_at_most(1 + rows.size // _WORK):
        faiss.fvec_inner_products_by_idx(  # type: ignore[attr-defined] # the stubs lack it
            faiss.swig_ptr(scores),
            faiss.swig_ptr(queries),
            flat.get_xb(),
            faiss.swig_ptr(rows),
            flat.d,
            *rows.shape,
        )
    scores[rows < 0] = -np.inf
    return scores


def _train(vectors: Vectors) -> Any:
    """Return codes of half as many 4-bit numbers as dimensions, trained and empty."""
    import faiss  # noqa: PLC0415 - after the fork

    count, dimension = vectors.shape
    parts = dimension // 2 if dimension % 2 == 0 else dimension
    codes: Any = faiss.index_factory(dimension, f"IVF1,PQ{parts}x4fs", faiss.METRIC_INNER_PRODUCT)
    codes.pq.cp.niter = _ROUNDS
    codes.pq.cp.seed = codes.cp.seed = _SEED
    codes.cp.niter = 1  # of one list: its centre is the mean
    rows = np.random.default_rng(_SEED).choice(count, min(count, _TRAINING), replace=False)
    with threads_at_most(1):  # hundreds of tiny k-means
        codes.train(vectors[np.sort(rows)])
    return codes


@contextmanager
def threads_at_most(count: int) -> Iterator[None]:
    """Let FAISS use so many threads for what this thread calls in the block.

    A second thread for work that cannot be divided waits at barriers: for one question on a busy machine it took
    15 ms instead of .4, for a training 2.4 s of CPU instead of .5.
    """
    import faiss  # noqa: PLC0415 - after the fork

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(min(before, count))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _calibrated(flat: Any, codes: Any, vectors: Vectors) -> int | None:
    """Return the least factor that is enough for questions that lie between two rows, None if none is."""
    pairs = np.random.default_rng(_SEED).integers(0, len(vectors), (2, _SAMPLE))
    questions = vectors[pairs[0]] + vectors[pairs[1]]
    _, best = flat.search(questions, WANTED)
    least = products(flat, questions, best)[:, -1:]
    _, proposed = codes.search(questions, min(FACTORS[-1] * WANTED, len(vectors)))
    good = products(flat, questions, proposed) >= least  # by score: equal vectors stand for each other
    found = {factor: np.minimum(good[:, : factor * WANTED].sum(axis=1), WANTED).mean() for factor in FACTORS}
    enough = [factor for factor, recalled in found.items() if recalled >= _AIM * WANTED]
    if enough:
        return enough[0]
    return FACTORS[-1] if found[FACTORS[-1]] >= TARGET * WANTED else None
