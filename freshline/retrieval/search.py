"""Search a snapshot. Pure; the snapshot does not change.

    1. what each request may see                                    sight
    2. dense and lexical rankings of that, `depth` of each          dense, lexical
    3. one ranking of both, each completed by the other             completion, fusion
    4. newer before older, where a half-life is set                 recency
    5. the best ones read once more with the question               reranker
    6. k of them: so many of a document, none that says the same;   selection
       where k are not there, 2 to 4 once more, for what is left
    7. the rows of the chosen                                       hits

Steps 1, 2 and the completing of 3 are a source's, which may be this process's shards or those of several; all others
see every candidate and are done once. A ranking depends on the request, the snapshot, the time and the policy alone,
never on what else is in the batch nor on where shards lie (reranking excepted, which has a budget of time). What step 6
asks for once more is not reranked: it goes behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.fusion import fuse
from freshline.retrieval.hit import Hit, Place
from freshline.retrieval.hits import hits_of
from freshline.retrieval.local import LocalSource
from freshline.retrieval.policy import Policy
from freshline.retrieval.ranking import Candidate, Ranking, columns_of, joined
from freshline.retrieval.recency import decayed
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import Reranker, passage, rerank
from freshline.retrieval.sameness import passage_of
from freshline.retrieval.selection import Reading, Selection, select
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.source import Batch, Offered, Ranked, Source
from freshline.retrieval.times import read_for, times_ms

_MATRIX = 2  # axes
_DEFAULT = Policy()
#: What is read of a passage, by a reranker and to tell repetitions
_READ = ("title", "heading", "text")


def search(
    snapshot: Snapshot,
    requests: Sequence[SearchRequest],
    vectors: NDArray[np.float32],
    *,
    now_ms: int,
    policy: Policy = _DEFAULT,
    reranker: Reranker | None = None,
) -> list[list[Hit]]:
    """Return up to k hits for each request, best first, ties by chunk_id; vectors is float32[n, d].

    Only rows that are live, unexpired at now_ms and visible to the request take part. The score is the inner
    product (dense), BM25 (lexical) or the fused one (hybrid), as decay and reranking leave it. A text without a term is
    searched by its vector alone. Raises ValueError where vectors do not fit.
    """
    batch = batch_of(requests, vectors, now_ms=now_ms, policy=policy, reranker=reranker)
    return search_in(LocalSource(snapshot, batch), batch, reranker) if requests else []


def batch_of(
    requests: Sequence[SearchRequest],
    vectors: NDArray[np.float32],
    *,
    now_ms: int,
    policy: Policy = _DEFAULT,
    reranker: Reranker | None = None,
) -> Batch:
    """Return what a source is asked for. Raises ValueError where vectors do not fit."""
    if vectors.ndim != _MATRIX or len(vectors) != len(requests):
        raise ValueError(f"{len(requests)} requests need as many vectors, not {list(vectors.shape)}")
    texts = _READ if reranker is not None or policy.selection.repeats != "keep" else ()
    times = (read_for(policy.recency.field),) if policy.recency.on else ()
    return Batch(requests=requests, vectors=vectors, now_ms=now_ms, policy=policy, reads=(*texts, *times))


def search_in(source: Source, batch: Batch, reranker: Reranker | None = None) -> list[list[Hit]]:
    """Return the hits of each request of the batch that a source was made for, as `search` does."""
    searching = _Searching(source, batch)
    depths = [max(batch.policy.depth, request.k) for request in batch.requests]
    rankings = searching.ranked(dict(enumerate(depths)), {})  # steps 1 to 4
    if reranker is not None:  # step 5
        texts = [request.text for request in batch.requests]
        rankings = rerank(rankings, texts, searching.passages, reranker, batch.policy.rerank)
    selections = searching.selections()
    chosen = select(selections, rankings, depths, partial(searching.ranked_rest, selections))  # step 6
    return hits_of(source, chosen)  # step 7


@dataclass(frozen=True, eq=False, slots=True)
class _Searching:
    """A batch and the source of its rows."""

    source: Source
    batch: Batch

    def ranked(self, depths: Mapping[int, int], offered: Mapping[int, Offered]) -> list[Ranking]:
        """Return the ranking of each query of {query: depth}, in that order: steps 2 to 4."""
        found = self.source.ranked(depths, offered)  # steps 1 and 2
        rankings = [
            self._one(one, depth) for one, depth in zip(found, depths.values(), strict=True)
        ]  # step 3
        if self.batch.policy.recency.on:  # step 4
            rankings = [self._decayed(ranking) for ranking in rankings]
        return rankings

    def ranked_rest(self, selections: Sequence[Selection], depths: Mapping[int, int]) -> list[Ranking]:
        """Return the ranking of what the selection of each of these queries may still take."""
        offered = {
            query: Offered([Place(*row) for row in selections[query].offered], selections[query].complete)
            for query in depths
        }
        return self.ranked(depths, offered)

    def passages(self, candidates: Sequence[Candidate]) -> list[str]:
        """Return what a reranker reads of candidates."""
        return [passage(**row) for row in self.source.values(_places(candidates), _READ)]

    def selections(self) -> list[Selection]:
        """Return a new selection for each query."""
        source = self.source
        reading = Reading(
            document=lambda one: source.document(Place(one.number, one.row)),
            passage=lambda one: passage_of(**source.values(_places([one]), _READ)[0]),
        )
        selection = self.batch.policy.selection
        return [Selection(request.k, selection, reading) for request in self.batch.requests]

    def _one(self, found: Ranked, depth: int) -> Ranking:
        """Return one ranking of a query (step 3). Its own depth: how deep others of the batch go changes nothing."""
        if self.batch.mode != "hybrid":
            return found.dense or found.lexical
        dense, lexical = found.dense, found.lexical
        if self.batch.completed:
            dense = joined([columns_of(dense), columns_of(found.dense_beside)]).best()
            lexical = joined([columns_of(lexical), columns_of(found.lexical_beside)]).best()
        return fuse(dense, lexical, depth=depth, fusion=self.batch.policy.fusion)

    def _decayed(self, ranking: Ranking) -> Ranking:
        recency = self.batch.policy.recency
        times = times_ms(self.source, _places(ranking), recency.field)
        return decayed(ranking, times, self.batch.now_ms, recency)


def _places(candidates: Sequence[Candidate]) -> list[Place]:
    return [Place(one.number, one.row) for one in candidates]
