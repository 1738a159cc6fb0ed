"""The sides that search in this process: the service's dense path, and FAISS by itself.

A side answers asked[0:n], `batch` in one call, and says in how many seconds and which rows. One question a call uses
one thread everywhere; FAISS takes two for a batch, as the service does.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.lakes import NOW_MS, sizes_of
from benchmarks.latency_corpus import written_snapshot
from benchmarks.search_corpus import Corpus, K, Rows
from freshline.index.vectors import threads_at_most
from freshline.retrieval.dense import dense
from freshline.retrieval.masks import scope_of
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.sight import Sight, see
from freshline.retrieval.snapshot import Snapshot

Vectors = NDArray[np.float32]
_SHARE = 100
_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The first `questions`, `batch` in one call, of rows with part < share."""

    setting: int
    questions: int
    batch: int = 1
    share: int = _SHARE


@dataclass(frozen=True, slots=True)
class Told:
    """found is int64[q, K], -1 where nothing was found."""

    seconds: float
    found: Rows


@dataclass(frozen=True, eq=False)
class Side:
    """`settings` trade recall for speed, the fastest first; a service that decides by itself has one, 0."""

    name: str
    what: str
    settings: Sequence[int]
    ask: Callable[[Ask], Told]
    filters: bool = True


def service_of(folder: str, corpus: Corpus) -> Side:
    """Write the vectors as segments, as compaction leaves them; return the service's dense path over them."""
    rows = len(corpus.vectors)
    snapshot = written_snapshot(folder, sizes_of(rows), [""] * rows, corpus.vectors, "benchmark")
    sights = {share: _sight(snapshot, corpus.part < share) for share in corpus.truth}

    def ask(order: Ask) -> Told:
        def answer(vectors: Vectors) -> list[list[int]]:
            rankings = dense(snapshot.segments, [sights[order.share]] * len(vectors), vectors, depth=K)
            return [[int(one.chunk_id) for one in ranking] for ranking in rankings]

        return timed(answer, corpus.asked[: order.questions], order.batch)

    what = f"{len(snapshot.segments)} segments of {max(sizes_of(rows)):,} to {min(sizes_of(rows)):,} rows"
    return Side("service", what, (0,), ask)


def faiss_of(name: str, corpus: Corpus) -> Side:
    """Return one of FAISS_KINDS over all vectors in one index, made with all cores."""
    return Side(name, *_Faiss(name, corpus).told())


def timed(answer: Callable[[Vectors], Sequence[Sequence[int]] | Rows], asked: Vectors, batch: int) -> Told:
    """Ask all, `batch` in one call; timed are the calls alone."""
    began = time.perf_counter()
    answers = [answer(asked[start : start + batch]) for start in range(0, len(asked), batch)]
    seconds = time.perf_counter() - began
    return Told(seconds, np.concatenate([np.asarray(each, np.int64) for each in answers]))


def _sight(snapshot: Snapshot, allowed: NDArray[np.bool_]) -> Sight:
    """Return what may be seen; segments lie in the order of their rows."""
    (everything,) = see(snapshot.segments, [scope_of(SearchRequest(text="", k=K))], NOW_MS)
    starts = np.cumsum([0, *(len(mask) for mask in everything.masks.values())]).tolist()
    masks = {
        number: mask & allowed[start : start + len(mask)]
        for start, (number, mask) in zip(starts, everything.masks.items(), strict=False)
    }
    return Sight(masks, sum(int(np.count_nonzero(mask)) for mask in masks.values()))


#: {name: (factory string, settings)}; RFlat compares 16 for each wanted row of what the codes propose.
FAISS_KINDS: Mapping[str, tuple[str, Sequence[int]]] = {
    "FAISS Flat": ("Flat", (0,)),
    "FAISS IVF": ("IVF256,PQ{half}x4fs,RFlat", (4, 8, 16, 32, 64, 96, 128, 192, 256)),
    "FAISS HNSW": ("HNSW32", (16, 32, 64, 128, 256, 512, 1024)),
}
_REFINE = 16
_ROUNDS = 5  # of k-means: more change recall in the fourth digit


class _Faiss:
    """One index by itself. The setting is nprobe, or efSearch."""

    def __init__(self, name: str, corpus: Corpus) -> None:
        spec, self.settings = FAISS_KINDS[name]
        dimension = corpus.vectors.shape[1]
        self.spec = spec.format(half=dimension // 2)
        self._corpus = corpus
        index: Any = faiss.index_factory(dimension, self.spec, faiss.METRIC_INNER_PRODUCT)
        self._refined = self.spec.endswith("RFlat")
        if self._refined:
            ivf: Any = faiss.downcast_index(index.base_index)
            ivf.cp.niter = ivf.pq.cp.niter = _ROUNDS
            index.k_factor = _REFINE
            index.train(corpus.vectors[:: max(1, len(corpus.vectors) // 25_000)])
        index.add(corpus.vectors)
        self._index = index
        self._bits = {share: np.packbits(corpus.part < share, bitorder="little") for share in corpus.truth}
        self._selectors = {  # FAISS keeps pointers to the bits
            share: faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type] # stubs lack the NumPy form
            for share, bits in self._bits.items()
        }

    def told(self) -> tuple[str, Sequence[int], Callable[[Ask], Told]]:
        over = {True: f", k_factor {_REFINE}, over nprobe", False: ", over efSearch"}[self._refined]
        return self.spec + (over if len(self.settings) > 1 else ""), self.settings, self.ask

    def ask(self, order: Ask) -> Told:
        """Answer."""
        parameters = self._parameters(order)

        def answer(vectors: Vectors) -> Rows:
            rows: Rows = self._index.search(vectors, K, params=parameters)[1]
            return rows

        with threads_at_most(1 if order.batch == 1 else _THREADS):
            return timed(answer, self._corpus.asked[: order.questions], order.batch)

    def _parameters(self, order: Ask) -> Any:
        """Return FAISS's parameters: without a selector where nothing is filtered."""
        selector = {} if order.share == _SHARE else {"sel": self._selectors[order.share]}
        if self._refined:
            inner = faiss.SearchParametersIVF(nprobe=order.setting, **selector)  # type: ignore[call-arg] # stubs lack the keywords
            return faiss.IndexRefineSearchParameters(k_factor=_REFINE, base_index_params=inner)  # type: ignore[call-arg]
        if order.setting:
            return faiss.SearchParametersHNSW(efSearch=order.setting, **selector)  # type: ignore[attr-defined] # the stubs lack it
        return faiss.SearchParameters(**selector) if selector else None
