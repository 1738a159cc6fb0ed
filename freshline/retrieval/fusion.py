"""Reciprocal rank fusion.

Source: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods", SIGIR 2009: score = sum over rankings of 1 / (60 + rank), ranks from 1.
"""

from collections.abc import Sequence

from freshline.retrieval.ranking import Candidate, Ranking

#: The paper's constant: how slowly a rank loses weight.
RRF_K = 60


def fuse(rankings: Sequence[Ranking], depth: int) -> Ranking:
    """Return the best `depth` of several rankings of one query. A row that one ranking lacks gets nothing from it.

    First in one and third in the other: 1/61 + 1/63 = 0.03227.
    """
    scores: dict[tuple[int, int], float] = {}
    known: dict[tuple[int, int], str] = {}
    for ranking in rankings:
        for place, candidate in enumerate(ranking, start=1):
            where = candidate.number, candidate.row
            scores[where] = scores.get(where, 0.0) + 1 / (RRF_K + place)
            known[where] = candidate.chunk_id
    fused = [Candidate(score, known[where], *where) for where, score in scores.items()]
    return sorted(fused, key=lambda one: (-one.score, one.chunk_id))[:depth]
