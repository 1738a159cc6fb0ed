"""A source of the shards that this process holds: the snapshot's own segments and lexical indexes.

A ranking depends on the request, the snapshot, the time and the policy alone, never on what else is in the batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from freshline.retrieval.completion import dense_beside, lexical_beside
from freshline.retrieval.dense import dense
from freshline.retrieval.fetch import revisions, values_of
from freshline.retrieval.hit import Place
from freshline.retrieval.lexical.port import lexical
from freshline.retrieval.masks import scope_of
from freshline.retrieval.ranking import Candidate, Ranking
from freshline.retrieval.sight import Sight, see, without
from freshline.retrieval.snapshot import Snapshot
from freshline.retrieval.source import REVISION, Batch, Document, Offered, Ranked
from freshline.retrieval.together import together

#: Rows times questions from which on both rankings are worth a thread: each takes about 1 ms then, outside of Python.
_WORTH = 100_000


class LocalSource:
    """A Source (freshline.retrieval.source); `sights` are kept for the batch."""

    def __init__(self, snapshot: Snapshot, batch: Batch) -> None:
        self._rows = snapshot.rows
        self._segments = snapshot.segments
        self._views = snapshot.lexical
        self._batch = batch
        scopes = [scope_of(request) for request in batch.requests]
        self._sights = see(snapshot.segments, scopes, batch.now_ms)

    def ranked(self, depths: Mapping[int, int], offered: Mapping[int, Offered]) -> list[Ranked]:
        """Rank each query at its own depth."""
        sights = {query: self._left(query, offered.get(query)) for query in depths}
        by_vector, by_words = self._rankings(depths, sights)
        cut = [
            (found[:depth], words[:depth])
            for depth, found, words in zip(depths.values(), by_vector, by_words, strict=True)
        ]
        return self._completed(list(depths), cut)

    def document(self, place: Place) -> Document:
        """Return the place's segment and state."""
        return place.number, int(self._segments[place.number].rows.owners[place.row])

    def values(self, places: Sequence[Place], names: Sequence[str]) -> list[dict[str, Any]]:
        """Read the rows cell by cell."""
        found = values_of(self._segments, places, [name for name in names if name != REVISION])
        if REVISION in names:
            for row, revision in zip(found, revisions(self._segments, places), strict=True):
                row[REVISION] = revision
        return found

    def around(
        self, wanted: Mapping[int, Sequence[Place]], reach: int
    ) -> Mapping[int, Sequence[Sequence[Candidate]]]:
        """Return what stands beside each place; the scores mean nothing."""
        return {
            query: [self._around(self._sights[query], place, reach) for place in places]
            for query, places in wanted.items()
        }

    def _around(self, sight: Sight, place: Place, reach: int) -> list[Candidate]:
        rows, mask = self._segments[place.number].rows, sight.masks[place.number]
        return [
            Candidate(0.0, rows.chunk_ids[near].decode(), place.number, near)
            for near in rows.around(place.row, reach)
            if mask[near]
        ]

    def _left(self, query: int, offered: Offered | None) -> Sight:
        """Return what a query may still be offered."""
        if offered is None:
            return self._sights[query]
        rows: dict[int, list[int]] = {}
        for number, row in offered.rows:
            rows.setdefault(number, []).append(row)
        for number, state in offered.documents:
            of_it = self._segments[number].rows.rows_of(np.array([state]))
            rows.setdefault(number, []).extend(of_it.tolist())
        return without(self._sights[query], rows)

    def _rankings(
        self, depths: Mapping[int, int], sights: Mapping[int, Sight]
    ) -> tuple[list[Ranking], list[Ranking]]:
        none: list[Ranking] = [[] for _ in depths]
        match self._batch.mode:
            case "dense":
                return self._dense(depths, sights), none
            case "lexical":
                return none, self._lexical(depths, sights)
            case "hybrid":
                by_words, by_vector = together(
                    lambda: self._lexical(depths, sights),
                    lambda: self._dense(depths, sights),
                    worth=self._rows * len(depths) >= _WORTH,
                )
                return by_vector, by_words

    def _dense(self, depths: Mapping[int, int], sights: Mapping[int, Sight]) -> list[Ranking]:
        """Each at its own depth: how many candidates the codes of a segment propose depends on it."""
        found: dict[int, Ranking] = {}
        for depth in set(depths.values()):
            queries = [query for query, own in depths.items() if own == depth]
            seen = [sights[query] for query in queries]
            rankings = dense(self._segments, seen, self._batch.vectors[queries], depth=depth)
            found |= zip(queries, rankings, strict=True)
        return [found[query] for query in depths]

    def _lexical(self, depths: Mapping[int, int], sights: Mapping[int, Sight]) -> list[Ranking]:
        """All as deep as the deepest: what a question asks for beyond its own depth is cut off."""
        texts = [self._batch.requests[query].text for query in depths]
        seen = [sights[query] for query in depths]
        return lexical(self._views, self._segments, seen, texts, depth=max(depths.values()))

    def _completed(self, queries: list[int], rankings: Sequence[tuple[Ranking, Ranking]]) -> list[Ranked]:
        if not self._batch.completed:
            return [Ranked(by_vector, by_words, [], []) for by_vector, by_words in rankings]
        texts = [self._batch.requests[query].text for query in queries]
        by_vector = dense_beside(self._segments, self._batch.vectors[queries], rankings)
        by_words = [
            lexical_beside(self._views, self._segments, text, *found)
            for text, found in zip(texts, rankings, strict=True)
        ]
        return [Ranked(*found, *beside) for found, *beside in zip(rankings, by_vector, by_words, strict=True)]
