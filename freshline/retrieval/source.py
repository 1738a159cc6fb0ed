"""The port that a search works over: what one batch of requests may see of one snapshot, wherever its shards are.

A source ranks, and reads what was ranked; everything that depends on *all* candidates (fusion, recency, reranking,
selection) is done once, above it (freshline.retrieval.search). So a search over the shards of this process
(freshline.retrieval.local) and one over shards of several processes are the same search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.hit import Place
from freshline.retrieval.policy import Mode, Policy
from freshline.retrieval.ranking import Candidate, Ranking, ordered
from freshline.retrieval.request import SearchRequest

#: A document as (segment number, state).
Document = tuple[int, int]
#: The name under which `values` gives a row's Revision.
REVISION = "revision"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Batch:
    """Query i is requests[i] with vectors[i], float32[n, d]; `reads` is what later steps read of every candidate."""

    requests: Sequence[SearchRequest]
    vectors: NDArray[np.float32]
    now_ms: int
    policy: Policy = field(default_factory=Policy)
    reads: tuple[str, ...] = ()

    @property
    def mode(self) -> Mode:
        """Return which rankings are asked."""
        return self.policy.mode

    @property
    def completed(self) -> bool:
        """Whether each ranking is completed by the other."""
        return self.mode == "hybrid" and self.policy.fusion.method == "standardised"


class Offered(NamedTuple):
    """What a query is not to be offered again: rows, and documents of which no more is taken."""

    rows: Sequence[Place]
    documents: Sequence[Document]


class Ranked(NamedTuple):
    """The rankings of one query, [] where the mode asks for none.

    Where they are completed, each has beside it, in no order, the rows of the other that it lacks.
    """

    dense: Ranking
    lexical: Ranking
    dense_beside: Ranking
    lexical_beside: Ranking


class Source(Protocol):
    """Any row is named by its place: segment number and row, a number being this source's name for a segment."""

    def ranked(self, depths: Mapping[int, int], offered: Mapping[int, Offered]) -> list[Ranked]:
        """Return the best `depth` rows of each ranking for each query of {query: depth}, without what was offered."""
        ...

    def document(self, place: Place) -> Document:
        """Return the document of a row that was ranked."""
        ...

    def values(self, places: Sequence[Place], names: Sequence[str]) -> list[dict[str, Any]]:
        """Return {name: value} of each row, in order; names are of SEGMENT_ROWS, and REVISION."""
        ...

    def around(
        self, wanted: Mapping[int, Sequence[Place]], reach: int
    ) -> Mapping[int, Sequence[Sequence[Candidate]]]:
        """Return the rows at most `reach` before and after each place, itself too, that a query may see, by ordinal."""
        ...


def merged(parts: Sequence[Ranked], depth: int) -> Ranked:
    """Return what one source of all rows gives, from what sources of disjoint rows gave for the same query and depth.

    The best `depth` of all are among the best `depth` of each, and every candidate of either ranking comes with both
    scores where they are completed. Example, depth 2, dense rankings alone:

        .9 a  .5 b  |  .7 c  .6 d      ->      .9 a  .7 c
    """
    dense = _best([part.dense for part in parts], depth)
    lexical = _best([part.lexical for part in parts], depth)
    by_vector = _scores([one for part in parts for one in (*part.dense, *part.dense_beside)])
    by_words = _scores([one for part in parts for one in (*part.lexical, *part.lexical_beside)])
    return Ranked(dense, lexical, _beside(by_vector, dense, lexical), _beside(by_words, lexical, dense))


def _best(rankings: Sequence[Ranking], depth: int) -> Ranking:
    return ordered([one for ranking in rankings for one in ranking])[:depth]


def _scores(candidates: Sequence[Candidate]) -> dict[Place, Candidate]:
    return {Place(one.number, one.row): one for one in candidates}


def _beside(known: Mapping[Place, Candidate], ranking: Ranking, other: Ranking) -> Ranking:
    """Return the rows of the other ranking that this one lacks, as they are known here."""
    have = {(one.number, one.row) for one in ranking}
    places = [Place(one.number, one.row) for one in other if (one.number, one.row) not in have]
    return [known[place] for place in places if place in known]
