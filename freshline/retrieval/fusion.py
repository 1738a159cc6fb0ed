"""One ranking from two: scores brought to one scale and added, or reciprocal ranks.

Knows neither vectors nor words: a score is a number, greater is better. Both rules were measured, see
docs/decisions/0026-fusion.md.

Standardised (the default). Over the candidates, which are the first `window` of each ranking,

    z = (score - mean) / standard deviation        on each side
    fused = weight · z of dense + (1 - weight) · z of lexical

so neither the unit of a score nor what its model calls a great one has a say, and a side on which all candidates are
alike has none either. A candidate that one ranking lacks stands there at its lowest score; where its true score can be
known, complete the rankings first (freshline.retrieval.completion). Example, weight .5, rankings that are complete:

    row               a      b      c      d
    dense            .8     .6     .4     .2     mean .5, deviation √.05 = .2236
    lexical           0      9      3      0     mean 3,  deviation √13.5 = 3.674
    z of dense     1.342   .447  -.447 -1.342
    z of lexical   -.816  1.633   .000  -.816
    fused           .263  1.040  -.224 -1.079    b, a, c, d

Reciprocal ranks. fused = 2 · (weight / (60 + rank) + (1 - weight) / (60 + rank)), ranks from 1; nothing for a ranking
that lacks the row. Weight .5, first in one and third in the other: 1/61 + 1/63 = .03227. Source: Cormack, Clarke,
Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.ranking import Ranking, ordered

Row = tuple[int, int]
Scores = NDArray[np.float64]

#: The paper's constant: how slowly a rank loses weight.
RRF_K = 60
#: Deviations below this share of the scores are rounding: all alike.
_ALIKE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """How two rankings become one: `weight` of the dense side, 0 to 1.

    Mean and deviation are of the first `window` of each ranking, so that a score is the same however deep one looks.
    """

    method: Literal["standardised", "reciprocal"] = "standardised"
    weight: float = 0.5
    window: int = 50


_DEFAULT = Fusion()


def fuse(dense: Ranking, lexical: Ranking, *, depth: int, fusion: Fusion = _DEFAULT) -> Ranking:
    """Return the best `depth` of both rankings of one query, greater score first, ties by chunk_id."""
    known = {(one.number, one.row): one for one in (*dense, *lexical)}
    rows = list(known)
    if fusion.method == "reciprocal":
        sides = [_reciprocals(ranking, rows) * 2 for ranking in (dense, lexical)]
    else:
        places = {row: place for place, row in enumerate(rows)}
        first = (*dense[: fusion.window], *lexical[: fusion.window])
        window = sorted({places[one.number, one.row] for one in first})
        sides = [_standardised(_scores(ranking, rows), window) for ranking in (dense, lexical)]
    fused = fusion.weight * sides[0] + (1 - fusion.weight) * sides[1]
    return ordered(
        one._replace(score=score) for one, score in zip(known.values(), fused.tolist(), strict=True)
    )[:depth]


def _scores(ranking: Ranking, rows: Sequence[Row]) -> Scores:
    """Return float64[rows]: the scores of a ranking, its lowest for a row that it lacks, 0 where it is empty."""
    lowest = ranking[-1].score if ranking else 0.0
    found = {(one.number, one.row): one.score for one in ranking}
    return np.array([found.get(row, lowest) for row in rows], np.float64)


def _standardised(scores: Scores, window: Sequence[int]) -> Scores:
    """Return (score - mean) / deviation by the scores in the window; zeros where those are all alike."""
    if not window:
        return np.zeros_like(scores)
    inside = scores[window]
    deviation = inside.std()
    if deviation <= _ALIKE * np.abs(inside).max():
        return np.zeros_like(scores)
    return np.asarray((scores - inside.mean()) / deviation)


def _reciprocals(ranking: Ranking, rows: Sequence[Row]) -> Scores:
    ranks = {(one.number, one.row): rank for rank, one in enumerate(ranking, start=1)}
    return np.array([1 / (RRF_K + ranks[row]) if row in ranks else 0.0 for row in rows], np.float64)
