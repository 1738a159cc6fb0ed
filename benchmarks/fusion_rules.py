"""The rules of fusion that were compared: those of freshline.retrieval.fusion, and others written out here.

A convex rule is weight · n(dense) + (1 - weight) · n(lexical), n = a normalisation of one side's scores. Source of
min-max and of the theoretical minimum: Bruch, Gai, Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval",
ACM TOIS 2023.
"""

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.fusion_sets import Sides
from freshline.retrieval.fusion import Fusion, fuse
from freshline.retrieval.policy import DEPTH
from freshline.retrieval.ranking import Candidate, Ranking, ordered

Rule = Callable[[Sides], Ranking]
#: A score, the ranking it is of, the lowest score that there could be
Normal = Callable[[float, Ranking, float], float]

DEFAULT = f"standardised {Fusion().weight:g}"
RECIPROCAL = "reciprocal ranks, k 60"
_ALL = 4 * DEPTH  # more than two rankings hold
_COSINE, _BM25 = -1.0, 0.0  # the lowest scores that there could be


def rules() -> dict[str, Rule]:
    """Return {name: rule}."""
    return {
        "dense": lambda sides: sides.dense,
        "lexical": lambda sides: sides.lexical,
        RECIPROCAL: lambda sides: fuse(
            sides.dense, sides.lexical, depth=_ALL, fusion=Fusion(method="reciprocal")
        ),
        "reciprocal ranks, k 10": lambda sides: _reciprocal(sides, 10),
        **{
            f"standardised {weight:g}": partial(_whole, weight=weight) for weight in (0.3, 0.4, 0.5, 0.6, 0.7)
        },
        **{f"standardised, not completed {weight:g}": partial(_cut, weight=weight) for weight in (0.5, 0.6)},
        **{
            f"standardised, dense completed {weight:g}": partial(_half, weight=weight)
            for weight in (0.5, 0.65)
        },
        **{f"min-max {weight:g}": partial(_convex, weight=weight, normal=_min_max) for weight in (0.5, 0.6)},
        **{
            f"theoretical minimum {weight:g}": partial(_convex, weight=weight, normal=_theoretical)
            for weight in (0.5, 0.65, 0.8)
        },
    }


def _whole(sides: Sides, weight: float) -> Ranking:
    return fuse(sides.whole_dense, sides.whole_lexical, depth=_ALL, fusion=Fusion(weight=weight))


def _cut(sides: Sides, weight: float) -> Ranking:
    return fuse(sides.dense, sides.lexical, depth=_ALL, fusion=Fusion(weight=weight))


def _half(sides: Sides, weight: float) -> Ranking:
    return fuse(sides.whole_dense, sides.lexical, depth=_ALL, fusion=Fusion(weight=weight))


def _reciprocal(sides: Sides, constant: int) -> Ranking:
    scores: dict[tuple[int, int], float] = {}
    known = {(one.number, one.row): one for one in (*sides.dense, *sides.lexical)}
    for ranking in (sides.dense, sides.lexical):
        for rank, one in enumerate(ranking, start=1):
            scores[one.number, one.row] = scores.get((one.number, one.row), 0.0) + 1 / (constant + rank)
    return _ranked(known, scores)


def _convex(sides: Sides, weight: float, normal: Normal) -> Ranking:
    """Fuse the completed rankings; both hold the same rows, unless the question has no term."""
    scores: dict[tuple[int, int], float] = {}
    for ranking, share, lowest in (
        (sides.whole_dense, weight, _COSINE),
        (sides.whole_lexical, 1 - weight, _BM25),
    ):
        for one in ranking:
            row = one.number, one.row
            scores[row] = scores.get(row, 0.0) + share * normal(one.score, ranking, lowest)
    return _ranked({(one.number, one.row): one for one in sides.whole_dense}, scores)


def _ranked(known: Mapping[tuple[int, int], Candidate], scores: Mapping[tuple[int, int], float]) -> Ranking:
    return ordered(known[row]._replace(score=score) for row, score in scores.items())


def _min_max(score: float, ranking: Ranking, _: float) -> float:
    least, greatest = ranking[-1].score, ranking[0].score
    return (score - least) / (greatest - least) if greatest > least else 0.0


def _theoretical(score: float, ranking: Ranking, lowest: float) -> float:
    greatest = ranking[0].score
    return (score - lowest) / (greatest - lowest) if greatest > lowest else 0.0
