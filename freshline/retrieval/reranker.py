"""Reranking: the best candidates of the first stage are read together with the question and put in a new order.

The port and how scores join the first stage: pure, with the time passed in. Knows no model, no snapshot and no rule of
who may see what: it orders what it is given and adds nothing.

    first stage  .90 .70 .50 | .30        top 3, weight .5
    normalised   1.0 0.5 0.0 | -.5        (score - .50) / (.90 - .50)
    reranker     2.0 6.0 4.0              normalised 0.0 1.0 0.5
    mixed        .50 .75 .25 | -1.5       those beyond the top keep their order, all below it
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from freshline import metrics
from freshline.chunking.port import HEADING_SEPARATOR
from freshline.retrieval.ranking import Candidate, Ranking

Scores = NDArray[np.float32]
#: The passages of candidates, in their order
Passages = Callable[[Sequence[Candidate]], Sequence[str]]

_log = structlog.get_logger(__name__)


class Reranker(Protocol):
    """One model that reads question and passage together. An object serves one thread at a time."""

    #: names everything that changes a score
    fingerprint: str

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Return float32[n], finite, greater = more relevant, for pairs (question, passage as `passage` gives it).

        A pair's score is its own: the same within 1e-3 of the scores' magnitude in any batch. No text raises; what is
        longer than the model reads is cut. [] gives float32[0]. Scores of two questions are not comparable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankPolicy:
    """`top` candidates are scored (0 = none), their scores weigh `weight`, a batch takes `budget` seconds at most.

    The budget is looked at before each question, so the last one may overrun it by what scoring one question takes.
    """

    top: int = 20
    weight: float = 0.3
    budget: float = 0.1


def passage(title: str | None, heading: str, text: str) -> str:
    r"""Return what a reranker reads of a chunk: title and heading path, then the passage, as it was embedded.

    >>> passage("Guide", "Setup", "Run")
    'Guide\nSetup\nRun'
    >>> passage("Guide", "Guide > Setup", "Run")
    'Guide > Setup\nRun'
    """
    told = (heading + HEADING_SEPARATOR).startswith((title or "") + HEADING_SEPARATOR)
    return "\n".join(part for part in ("" if told else title, heading, text) if part)


def rerank(
    rankings: Sequence[Ranking],
    questions: Sequence[str],
    passages: Passages,
    reranker: Reranker,
    policy: RerankPolicy,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> list[Ranking]:
    """Return each ranking with its best `policy.top` in a new order; the rest keeps its order below them.

    A question for which no time is left, or whose scoring fails, keeps the first stage's ranking as it is; counted in
    serving_reranked, never an error.
    """
    end = clock() + policy.budget
    done = []
    for ranking, question in zip(rankings, questions, strict=True):
        outcome, ordered = _one(ranking, question, passages, reranker, policy, late=clock() >= end)
        metrics.RERANKED.labels(outcome=outcome).inc()
        done.append(ordered)
    return done


def _one(
    ranking: Ranking,
    question: str,
    passages: Passages,
    reranker: Reranker,
    policy: RerankPolicy,
    *,
    late: bool,
) -> tuple[str, Ranking]:
    """Return (outcome, ranking) of one question."""
    best = ranking[: policy.top]
    if len(best) < 2 or policy.weight <= 0:  # noqa: PLR2004 - one candidate has one order
        return "nothing_to_do", ranking
    if late:
        return "out_of_time", ranking
    try:
        scores = reranker.score([(question, text) for text in passages(best)])
        return "reranked", mix(ranking, _checked(scores, len(best)), policy.weight)
    except Exception:  # noqa: BLE001 - whatever a model does, the first stage's answer is there
        _log.exception("reranking_failed", reranker=reranker.fingerprint)
        return "failed", ranking


def _checked(scores: Scores, count: int) -> NDArray[np.float64]:
    found = np.asarray(scores, np.float64)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise ValueError(f"a reranker gave scores of shape {found.shape}, expected {count} finite numbers")
    return found


def mix(ranking: Ranking, scores: NDArray[np.float64], weight: float) -> Ranking:
    """Return the ranking with its first n reordered by (1 - weight) · own score + weight · scores float64[n].

    Both are min-max normalised over the n: the scores of a first stage that are all equal count as 0.
    """
    count = len(scores)
    first = np.array([one.score for one in ranking], np.float64)
    own = _normalised(first, first[:count])
    mixed = (1 - weight) * own[:count] + weight * _normalised(scores, scores)
    best = [one._replace(score=float(score)) for one, score in zip(ranking[:count], mixed, strict=True)]
    rest = [
        one._replace(score=float(score) - 1) for one, score in zip(ranking[count:], own[count:], strict=True)
    ]
    return sorted(best, key=lambda one: (-one.score, one.chunk_id)) + rest


def _normalised(values: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64[n] with the least of `by` at 0 and the greatest at 1; all equal: their distance from it."""
    least, span = by.min(), by.max() - by.min()
    return np.asarray((values - least) / (span or 1.0))
