"""Search a snapshot for every query of a set, by the worker's own function. A document ranks by its best chunk.

A query whose k chunks are of fewer than k documents is asked again, deeper, and what is new there is put behind: the
beginning of a ranking is what an asker of k chunks sees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch.evaluation.modes import Side
from batch.evaluation.publish import COLLECTION, Tell
from freshline.evaluation.runs import Run, ranked
from freshline.retrieval.hit import Hit
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import Snapshot

_BATCH = 64  # queries of one call, as a worker takes them
_DEEPER = 4  # times as many chunks are asked for where documents are too few


@dataclass(frozen=True, slots=True)
class Questions:
    """{query id: text} with the row of vectors float32[n, d] of each, in their order."""

    texts: Mapping[str, str]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Finder:
    """One side over one snapshot at one time. drop_same: a query never finds the document of its own id."""

    snapshot: Snapshot
    side: Side
    now_ms: int
    drop_same: bool = False

    def run(self, questions: Questions, k: int, tell: Tell) -> Run:
        """Return up to k documents for each query."""
        ids = list(questions.texts)
        found: Run = {}
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            rows = np.arange(start, start + len(part))
            found |= self._documents(questions, part, questions.vectors[rows], k)
            tell(self.side.name, len(found), len(ids))
        return found

    def hits(self, texts: Sequence[str], vectors: NDArray[np.float32], k: int) -> list[list[Hit]]:
        """Return up to k chunks for each text."""
        requests = [SearchRequest(text=text, k=k, collections=frozenset({COLLECTION})) for text in texts]
        more = {} if self.side.reranker is None else {"reranker": self.side.reranker}
        return search(self.snapshot, requests, vectors, now_ms=self.now_ms, policy=self.side.policy, **more)

    def _documents(
        self, questions: Questions, ids: Sequence[str], vectors: NDArray[np.float32], k: int
    ) -> Run:
        scored: dict[str, list[tuple[str, float]]] = {query: [] for query in ids}
        open_rows, chunks = list(range(len(ids))), k
        while open_rows:
            texts = [questions.texts[ids[row]] for row in open_rows]
            answers = self.hits(texts, vectors[open_rows], chunks)
            for row, hits in zip(open_rows, answers, strict=True):
                scored[ids[row]] += self._scores(ids[row], hits)
            open_rows = [
                row
                for row, hits in zip(open_rows, answers, strict=True)
                if len(hits) == chunks and len({document for document, _ in scored[ids[row]]}) < k
            ]
            chunks *= _DEEPER
        return {query: ranked(pairs, k) for query, pairs in scored.items()}

    def _scores(self, query: str, hits: Sequence[Hit]) -> list[tuple[str, float]]:
        return [(hit.doc_id, hit.score) for hit in hits if not (self.drop_same and hit.doc_id == query)]
