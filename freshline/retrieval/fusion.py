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

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from freshline.retrieval.ranking import Ranking, columns_of, joined

Row = tuple[int, int]
Rows = NDArray[np.int64]
Scores = NDArray[np.floating]

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
    sides = columns_of(dense), columns_of(lexical)
    both = joined(sides)
    known: dict[Row, int] = {}
    rows = np.array([known.setdefault(row, len(known)) for row in both.places], np.int64)
    own = rows[: len(sides[0])], rows[len(sides[0]) :]
    if fusion.method == "reciprocal":
        by_vector, by_words = (_reciprocals(each, len(known)) * 2 for each in own)
    else:
        first = np.zeros(len(known), bool)
        first[own[0][: fusion.window]] = first[own[1][: fusion.window]] = True
        window = np.flatnonzero(first)
        by_vector, by_words = (
            _standardised(_scores(side.scores, each, len(known)), window)
            for side, each in zip(sides, own, strict=True)
        )
    where = np.empty(len(known), np.int64)
    where[rows] = np.arange(len(rows))  # of a row that stands on both sides either place
    return both.taken(where, fusion.weight * by_vector + (1 - fusion.weight) * by_words).best(depth)


def _scores(scores: Scores, rows: Rows, count: int) -> Scores:
    """Return float64[count]: the scores of a ranking, its lowest for a row that it lacks, 0 where it is empty."""
    found = np.full(count, scores[-1] if len(scores) else 0.0, np.float64)
    found[rows] = scores
    return found


def _standardised(scores: Scores, window: Rows) -> Scores:
    """Return (score - mean) / deviation by the scores in the window; zeros where those are all alike."""
    if not len(window):
        return np.zeros_like(scores)
    inside = scores[window]
    mean = np.add.reduce(inside) / len(inside)  # as inside.mean() and .std(), at a third of the time
    off = inside - mean
    deviation = np.sqrt(np.add.reduce(off * off) / len(inside))
    if deviation <= _ALIKE * np.abs(inside).max():
        return np.zeros_like(scores)
    return np.asarray((scores - mean) / deviation)


def _reciprocals(rows: Rows, count: int) -> Scores:
    found = np.zeros(count)
    found[rows] = 1 / (RRF_K + np.arange(1, len(rows) + 1))
    return found
