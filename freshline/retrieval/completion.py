"""The scores that two rankings lack of each other, so that fusion compares like with like.

A ranking ends somewhere, and what lies behind its end is not worth nothing: a row that stands 51st there has nearly
the score of the 50th. So every candidate of one ranking gets its true score in the other: the inner product of its
vector, the score of the very same lexical query. Costs by the candidates, not by the corpus.

It scores what the rankings have already, so it needs no sight: nothing new can become visible here.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from freshline.index.vectors import flat_of, products
from freshline.retrieval.lexical.port import LexicalView
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.ranking import Candidate, Ranking, ordered

Vector = NDArray[np.float32]
Segments = Mapping[int, LiveSegment]


def complete_dense(segments: Segments, vector: Vector, dense: Ranking, lexical: Ranking) -> Ranking:
    """Return the dense ranking with the rows of the lexical one that it lacks; vector is float32[d]."""
    return ordered([*dense, *dense_beside(segments, vector, dense, lexical)])


def complete_lexical(
    views: Mapping[int, LexicalView], segments: Segments, text: str, dense: Ranking, lexical: Ranking
) -> Ranking:
    """Return the lexical ranking with the rows of the dense one that it lacks."""
    return ordered([*lexical, *lexical_beside(views, segments, text, dense, lexical)])


def dense_beside(segments: Segments, vector: Vector, dense: Ranking, lexical: Ranking) -> Ranking:
    """Return the rows of the lexical ranking that the dense one lacks, with their dense scores, in no order.

    To the last bit what a deeper ranking would hold (freshline.index.vectors.products).
    """
    scored: Ranking = []
    for number, lacking in _by_segment(dense, lexical):
        rows = np.array([one.row for one in lacking], np.int64)
        (scores,) = products(flat_of(segments[number].rows.segment.index), vector[None], rows[None]).tolist()
        scored += [one._replace(score=score) for one, score in zip(lacking, scores, strict=True)]
    return scored


def lexical_beside(
    views: Mapping[int, LexicalView], segments: Segments, text: str, dense: Ranking, lexical: Ranking
) -> Ranking:
    """Return the rows of the dense ranking that the lexical one lacks, with their lexical scores, in no order.

    0 for a row without any of the terms. Statistics are those of the shard, as everywhere: to the last bit what a
    deeper ranking would hold.
    """
    scored: Ranking = []
    for shard, lacking in _by_shard(segments, lexical, dense).items():
        places = np.array([(one.number, one.row) for one in lacking], np.int64)
        scores = views[shard].scores(text, places).tolist()
        scored += [one._replace(score=score) for one, score in zip(lacking, scores, strict=True)]
    return scored


def _by_segment(ranking: Ranking, others: Ranking) -> Iterator[tuple[int, Sequence[Candidate]]]:
    """Yield (segment number, the candidates of `others` in it that the ranking lacks)."""
    have = {(one.number, one.row) for one in ranking}
    lacking: dict[int, list[Candidate]] = {}
    for one in others:
        if (one.number, one.row) not in have:
            lacking.setdefault(one.number, []).append(one)
    yield from lacking.items()


def _by_shard(segments: Segments, ranking: Ranking, others: Ranking) -> Mapping[int, Sequence[Candidate]]:
    shards: dict[int, list[Candidate]] = {}
    for number, lacking in _by_segment(ranking, others):
        shards.setdefault(segments[number].rows.segment.add.shard, []).extend(lacking)
    return shards
