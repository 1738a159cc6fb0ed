"""BM25 over one shard's tantivy indexes at one moment, each row seen or not.

tantivy finds the best n of a flat union of terms without scoring most of the rest (block-max WAND), but not under
any further clause. So there are two exact ways, and the cheaper one is taken by how much is seen:

    prefix   the best n of all rows, then those of them that are seen: the first of these are the first of
             all seen ones. n grows until there are enough.
    listed   the union and, as a clause, the list of the rows that are seen: all of those are scored
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from freshline.lexical.analysis import Term, analysis_of, lexical_schema
from freshline.lexical.uids import apart, uids_of
from freshline.retrieval.lexical.port import Found, Places
from freshline.retrieval.lexical.seen import Seen

#: Scoring one listed row costs as much as so many rows of a prefix (docs/decisions/0032).
LISTED_ROW = 10
#: Candidates fetched at most to settle a tie at the end of a ranking; a longer tie is cut in the index's order.
_LONGEST_TIE = 200_000
#: How much longer than expected the first prefix is, and by how much each one is longer than the one before.
_SPARE, _GROWTH = 1.3, 4
#: Digits of a score behind the point: sums in another order are the same score, so ties are ties.
_DIGITS = 4

#: So many rows are named one by one: 0.5 ms to complete the ranking of a Cranfield question, as a set 0.8.
_FEW = 100

#: Code points of a question whose terms are kept: of 1,024 such questions, some megabytes.
_SHORT = 500

_MUST, _SHOULD = tantivy.Occur.Must, tantivy.Occur.Should
_query = tantivy.Query


@lru_cache(1024)
def _terms(language: str, text: str) -> Sequence[Term]:
    """Return the terms of a question; kept, because a batch asks for them again when it completes its rankings."""
    return analysis_of(language).question(text)


class _Hits(NamedTuple):
    """Best first."""

    uids: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TantivyView:
    """A LexicalView over the rows of segments; a uid says segment and row (freshline.lexical.uids)."""

    #: by language
    searchers: Mapping[str, Any]
    #: of each segment, by its number
    tags: Mapping[int, int]

    @property
    def rows(self) -> int:
        """Return how many rows are in."""
        return sum(searcher.num_docs for searcher in self.searchers.values())

    def search(self, text: str, seen: Seen, depth: int) -> Found:
        """Return at least the best `depth` of all seen rows that hold a term, in each language."""
        looking = _Looking(self, seen)
        found = [question.search(looking, depth) for question in self._questions(text)]
        uids = np.concatenate([np.empty(0, np.int64), *(hits.uids for hits in found)])
        return Found(
            np.concatenate([np.empty(0, np.float32), *(hits.scores for hits in found)]), self.places_of(uids)
        )

    def scores(self, text: str, places: Places) -> NDArray[np.float32]:
        """Return float32[n]: what `search` gives the rows at these places, 0 for those without a term."""
        wanted, where = np.unique(self._uids(places), return_inverse=True)
        scores = np.zeros(len(wanted), np.float32)
        for question in self._questions(text) if len(wanted) else ():
            hits = question.listed(wanted, len(wanted))
            scores[np.searchsorted(wanted, hits.uids)] = hits.scores
        return scores[where]

    def places_of(self, uids: NDArray[np.int64]) -> Places:
        """Return segment number and row of each uid."""
        tags, numbers = self._numbers
        if not len(uids):
            return np.empty((0, 2), np.int64)
        found, rows = apart(uids)
        return np.stack([numbers[np.searchsorted(tags, found)], rows], axis=1)

    def _questions(self, text: str) -> Iterator["_Question"]:
        """Yield the question in each language."""
        for language, searcher in self.searchers.items():
            if terms := (_terms if len(text) <= _SHORT else _terms.__wrapped__)(language, text):
                yield _Question(searcher, terms)

    @cached_property
    def _numbers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (the tags, sorted, and the segment number of each)."""
        pairs = sorted((tag, number) for number, tag in self.tags.items())
        tags, numbers = np.array(pairs, np.int64).reshape(-1, 2).T
        return np.ascontiguousarray(tags), np.ascontiguousarray(numbers)

    def _uids(self, places: Places) -> NDArray[np.int64]:
        tags = np.array([self.tags[number] for number in places[:, 0].tolist()], np.int64)
        return uids_of(tags, places[:, 1])


@dataclass(frozen=True, eq=False)
class _Looking:
    """What is seen of a view's rows."""

    view: TantivyView
    seen: Seen

    @cached_property
    def count(self) -> int:
        """Return how many rows are seen."""
        return sum(self.seen.counts[number] for number in self.view.tags)

    @cached_property
    def share(self) -> float:
        """Return the seen rows as a share of all, above 0 to 1."""
        return self.count / max(sum(len(self.seen.masks[number]) for number in self.view.tags), 1)

    @cached_property
    def uids(self) -> NDArray[np.int64]:
        """Return the rows that are seen."""
        each = [
            uids_of(tag, np.flatnonzero(self.seen.masks[number])) for number, tag in self.view.tags.items()
        ]
        return np.concatenate(each) if each else np.empty(0, np.int64)

    def of(self, hits: "_Hits") -> "_Hits":
        """Return those hits that are seen."""
        mask = self.seen.of(self.view.places_of(hits.uids))
        return _Hits(hits.uids[mask], hits.scores[mask])


class _Question:
    """The terms of one question in one language, and the rows of that language."""

    def __init__(self, searcher: Any, terms: Sequence[Term]) -> None:
        self._searcher = searcher
        self._schema = lexical_schema()
        self._union = _query.boolean_query(
            [
                (_SHOULD, _query.boost_query(_query.term_query(self._schema, field, text, "freq"), weight))
                for field, text, weight in terms
            ]
        )

    def search(self, looking: _Looking, depth: int) -> _Hits:
        """Return the best `depth` seen rows and what ties with the last of them."""
        rows, least = self._searcher.num_docs, depth + 1
        if not rows or not looking.count:
            return _Hits(np.empty(0, np.int64), np.empty(0, np.float32))
        limit = ceil(least if looking.share == 1 else _SPARE * least / looking.share)
        if looking.count * LISTED_ROW <= limit:
            return self.listed(looking.uids, least)
        while True:
            hits = self._best(self._union, min(limit, rows))
            found = looking.of(hits)
            if len(hits.uids) < limit or _settled(found.scores, hits.scores[-1], depth, limit):
                return found
            limit *= _GROWTH
            if looking.count * LISTED_ROW <= limit:
                return self.listed(looking.uids, least)

    def listed(self, uids: NDArray[np.int64], least: int) -> _Hits:
        """Return the best of these rows, `least` of them or all, and what ties with the last of them."""
        wanted = _query.const_score_query(self._rows_of(uids.tolist()), 0.0)
        query = _query.boolean_query([(_MUST, wanted), (_MUST, self._union)])
        limit = min(least, len(uids) + 1)
        while True:
            hits = self._best(query, limit)
            if len(hits.uids) < limit or _settled(hits.scores, hits.scores[-1], least - 1, limit):
                return hits
            limit *= _GROWTH

    def _rows_of(self, uids: list[int]) -> Any:
        if len(uids) > _FEW:
            return _query.term_set_query(self._schema, "uid", uids)
        each = [(_SHOULD, _query.term_query(self._schema, "uid", uid)) for uid in uids]
        return _query.boolean_query(each)

    def _best(self, query: Any, limit: int) -> _Hits:
        hits = self._searcher.search(query, limit, count=False).hits
        uids = self._searcher.fast_field_values("uid", [address for _, address in hits])
        scores = np.array([score for score, _ in hits], np.float32).round(_DIGITS)
        return _Hits(np.array(uids, np.int64), scores)


def _settled(scores: NDArray[np.float32], last: np.float32, depth: int, limit: int) -> bool:
    """Whether nothing behind a score of `last` can be among the best `depth`, or it ties without end."""
    return len(scores) > depth and bool(scores[depth - 1] > last or limit > _LONGEST_TIE)
