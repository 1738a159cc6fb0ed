"""The scores that two rankings lack of each other, so that fusion compares like with like.

A ranking ends somewhere, and what lies behind its end is not worth nothing: a row that stands 51st there has nearly
the score of the 50th. So every candidate of one ranking gets its true score in the other: the inner product of its
vector, the score of the very same lexical query. Costs by the candidates, not by the corpus.

It scores what the rankings have already, so it needs no sight: nothing new can become visible here.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from freshline.index.vectors import products
from freshline.retrieval.lexical.port import LexicalView
from freshline.retrieval.live import LiveSegment
from freshline.retrieval.ranking import Candidates, Ranking, columns_of, joined

Vectors = NDArray[np.float32]
Segments = Mapping[int, LiveSegment]


def complete_dense(segments: Segments, vector: Vectors, dense: Ranking, lexical: Ranking) -> Ranking:
    """Return the dense ranking with the rows of the lexical one that it lacks; vector is float32[d]."""
    (beside,) = dense_beside(segments, vector[None], [(dense, lexical)])
    return joined([columns_of(dense), beside]).best()


def complete_lexical(
    views: Mapping[int, LexicalView], segments: Segments, text: str, dense: Ranking, lexical: Ranking
) -> Ranking:
    """Return the lexical ranking with the rows of the dense one that it lacks."""
    return joined([columns_of(lexical), lexical_beside(views, segments, text, dense, lexical)]).best()


def dense_beside(
    segments: Segments, vectors: Vectors, rankings: Sequence[tuple[Ranking, Ranking]]
) -> list[Candidates]:
    """Return for each query the rows of the lexical ranking that the dense one lacks, with dense scores, in no order.

    Query i has vectors[i], float32[n, d], and rankings[i], dense and lexical. A score is to the last bit what a deeper
    ranking would hold (freshline.index.vectors.products).
    """
    lacking = [_lacking(dense, lexical) for dense, lexical in rankings]
    scores = [np.empty(len(one), np.float32) for one in lacking]
    for number in sorted({number for one in lacking for number in one.numbers.tolist()}):
        where = {i: at for i, one in enumerate(lacking) if len(at := np.flatnonzero(one.numbers == number))}
        rows = np.full((len(where), max(map(len, where.values()))), -1)
        for place, (i, at) in enumerate(where.items()):
            rows[place, : len(at)] = lacking[i].rows[at]
        found = products(segments[number].rows.segment.flat, vectors[list(where)], rows)
        for own, (i, at) in zip(found, where.items(), strict=True):
            scores[i][at] = own[: len(at)]
    return [Candidates(own, *one.columns[1:]) for own, one in zip(scores, lacking, strict=True)]


def lexical_beside(
    views: Mapping[int, LexicalView], segments: Segments, text: str, dense: Ranking, lexical: Ranking
) -> Candidates:
    """Return the rows of the dense ranking that the lexical one lacks, with their lexical scores, in no order.

    0 for a row without any of the terms. Statistics are those of the shard, as everywhere: to the last bit what a
    deeper ranking would hold.
    """
    lacking = _lacking(lexical, dense)
    places = np.stack([lacking.numbers, lacking.rows], axis=1)
    shards: dict[int, list[int]] = {}
    for number in set(lacking.numbers.tolist()):
        shards.setdefault(segments[number].rows.segment.add.shard, []).append(number)
    scores = np.empty(len(lacking), np.float32)
    for shard, numbers in shards.items():
        here = np.isin(lacking.numbers, numbers) if len(shards) > 1 else slice(None)
        scores[here] = views[shard].scores(text, places[here])
    return Candidates(scores, *lacking.columns[1:])


def _lacking(ranking: Ranking, others: Ranking) -> Candidates:
    """Return the candidates of `others` that the ranking lacks."""
    have, columns = set(columns_of(ranking).places), columns_of(others)
    return columns.taken([at for at, place in enumerate(columns.places) if place not in have])
