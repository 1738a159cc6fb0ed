"""Search a snapshot. Pure; the snapshot does not change.

    1. what each request may see                                    sight
    2. dense and lexical rankings of that, `depth` of each          dense, lexical
    3. one ranking of both, each completed by the other             completion, fusion
    4. newer before older, where a half-life is set                 recency
    5. the best ones read once more with the question               reranker
    6. k of them: so many of a document, none that says the same;   selection
       where k are not there, 2 to 4 once more, for what is left
    7. the rows of the chosen                                       fetch

A ranking depends on the request, the snapshot, the time and the policy alone, never on what else is in the batch
(reranking excepted, which has a budget of time). What step 6 asks for once more is not reranked: it goes behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.completion import complete_dense, complete_lexical
from freshline.retrieval.dense import dense
from freshline.retrieval.fetch import hits_of, values_of
from freshline.retrieval.fusion import fuse
from freshline.retrieval.hit import Hit, Place
from freshline.retrieval.lexical.port import lexical
from freshline.retrieval.masks import scope_of
from freshline.retrieval.policy import Policy
from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.recency import decayed
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.reranker import Reranker, passage, rerank
from freshline.retrieval.sameness import passage_of
from freshline.retrieval.selection import Reading, Selection, select
from freshline.retrieval.sight import Sight, see, without
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.times import times_ms
from freshline.retrieval.together import together

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
    if vectors.ndim != _MATRIX or len(vectors) != len(requests):
        raise ValueError(f"{len(requests)} requests need as many vectors, not {list(vectors.shape)}")
    if not requests:
        return []
    sights = see(snapshot.segments, [scope_of(request) for request in requests], now_ms)  # step 1
    batch = _Batch(snapshot, requests, vectors, sights, now_ms, policy)
    depths = [max(policy.depth, request.k) for request in requests]
    rankings = batch.ranked(dict(enumerate(depths)))  # steps 2 to 4
    if reranker is not None:  # step 5
        texts = [request.text for request in requests]
        rankings = rerank(rankings, texts, batch.passages, reranker, policy.rerank)
    selections = batch.selections()
    chosen = select(selections, rankings, depths, partial(batch.ranked_rest, selections))  # step 6
    return hits_of(snapshot.segments, chosen)  # step 7


@dataclass(frozen=True, eq=False, slots=True)
class _Batch:
    """Query i is requests[i], vectors[i], seen with sights[i]."""

    snapshot: Snapshot
    requests: Sequence[SearchRequest]
    vectors: NDArray[np.float32]
    sights: Sequence[Sight]
    now_ms: int
    policy: Policy

    def ranked(self, depths: Mapping[int, int]) -> list[Ranking]:
        """Return the ranking of each query of {query: depth}, in that order: steps 2 to 4."""
        rankings = self._fused(depths)
        if self.policy.recency.on:  # step 4
            rankings = [self._decayed(ranking) for ranking in rankings]
        return rankings

    def ranked_rest(self, selections: Sequence[Selection], depths: Mapping[int, int]) -> list[Ranking]:
        """Return the ranking of what the selection of each of these queries may still take."""
        sights = [self._rest(i, selections[i]) if i in depths else one for i, one in enumerate(self.sights)]
        return replace(self, sights=sights).ranked(depths)

    def passages(self, candidates: Sequence[Candidate]) -> list[str]:
        """Return what a reranker reads of candidates."""
        rows = values_of(self.snapshot.segments, _places(candidates), _READ)
        return [passage(**row) for row in rows]

    def selections(self) -> list[Selection]:
        """Return a new selection for each query."""
        segments = self.snapshot.segments
        reading = Reading(
            document=lambda one: (one.number, int(segments[one.number].rows.owners[one.row])),
            passage=lambda one: passage_of(**values_of(segments, _places([one]), _READ)[0]),
        )
        return [Selection(request.k, self.policy.selection, reading) for request in self.requests]

    def _rest(self, query: int, selection: Selection) -> Sight:
        rows: dict[int, list[int]] = {}
        for number, row in selection.offered:
            rows.setdefault(number, []).append(row)
        for number, state in selection.complete:
            rows[number] += self.snapshot.segments[number].rows.rows_of(np.array([state])).tolist()
        return without(self.sights[query], rows)

    def _fused(self, depths: Mapping[int, int]) -> list[Ranking]:
        rankings = self._rankings(depths)  # step 2
        return [
            self._one(query, each, depth)
            for (query, depth), each in zip(depths.items(), zip(*rankings, strict=True), strict=True)
        ]

    def _rankings(self, depths: Mapping[int, int]) -> Sequence[Sequence[Ranking]]:
        match self.policy.mode:
            case "dense":
                return (self._dense(depths),)
            case "lexical":
                return (self._lexical(depths),)
            case "hybrid":
                by_words, by_vector = together(lambda: self._lexical(depths), lambda: self._dense(depths))
                return by_vector, by_words

    def _dense(self, depths: Mapping[int, int]) -> list[Ranking]:
        """Each at its own depth: how many candidates the codes of a segment propose depends on it."""
        found: dict[int, Ranking] = {}
        for depth in set(depths.values()):
            queries = [query for query, own in depths.items() if own == depth]
            sights = [self.sights[query] for query in queries]
            rankings = dense(self.snapshot.segments, sights, self.vectors[queries], depth=depth)
            found |= zip(queries, rankings, strict=True)
        return [found[query] for query in depths]

    def _lexical(self, depths: Mapping[int, int]) -> list[Ranking]:
        """All as deep as the deepest: what a question asks for beyond its own depth is cut off."""
        sights, texts = [self.sights[i] for i in depths], [self.requests[i].text for i in depths]
        views, segments = self.snapshot.lexical, self.snapshot.segments
        return lexical(views, segments, sights, texts, depth=max(depths.values()))

    def _one(self, query: int, rankings: Sequence[Ranking], depth: int) -> Ranking:
        """Return one ranking of a query (step 3). Its own depth: how deep others of the batch go changes nothing."""
        own = [ranking[:depth] for ranking in rankings]
        if len(own) == 1:
            return own[0]
        both = own[0], own[1]
        if self.policy.fusion.method == "standardised":
            segments, text = self.snapshot.segments, self.requests[query].text
            both = (
                complete_dense(segments, self.vectors[query], *own),
                complete_lexical(self.snapshot.lexical, segments, text, *own),
            )
        return fuse(*both, depth=depth, fusion=self.policy.fusion)

    def _decayed(self, ranking: Ranking) -> Ranking:
        recency = self.policy.recency
        times = times_ms(self.snapshot.segments, _places(ranking), recency.field)
        return decayed(ranking, times, self.now_ms, recency)


def _places(candidates: Sequence[Candidate]) -> list[Place]:
    return [Place(one.number, one.row) for one in candidates]
