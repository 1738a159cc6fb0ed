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

#: Candidates scored before the clock is looked at again, the best ones first: some 250 ms of a small model.
_STEP = 4

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

    The budget is looked at before every few candidates, so it may be overrun by what scoring those takes.
    """

    top: int = 20
    weight: float = 0.2
    budget: float = 0.5


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

    Where time ends in the middle of a question, the ones read so far are put in order and the rest stays below; a
    question for which no time is left, or whose scoring fails, keeps its ranking as it is. Counted in
    serving_reranked, never an error.
    """
    began = clock()
    end = began + policy.budget
    done = []
    for ranking, question in zip(rankings, questions, strict=True):
        best = ranking[: policy.top] if policy.weight > 0 else []
        try:
            scores = _read(question, best, passages, reranker, _Budget(clock, end))
            ordered = mix(ranking, scores, policy.weight)
            outcome = _OUTCOMES[bool(best), len(scores) > 0, len(scores) == len(best)]
        except Exception:  # noqa: BLE001 - whatever a model does, the first stage's answer is there
            _log.exception("reranking_failed", reranker=reranker.fingerprint)
            outcome, ordered = "failed", ranking
        metrics.RERANKED.labels(outcome=outcome).inc()
        done.append(ordered)
    metrics.ANSWER_STAGE.labels(stage="rerank").observe(clock() - began)
    return done


#: by: is there anything to read, was any read, was all read
_OUTCOMES = {
    (False, False, True): "nothing_to_do",
    (True, False, False): "out_of_time",
    (True, True, False): "partly",
    (True, True, True): "reranked",
}


@dataclass(frozen=True, slots=True)
class _Budget:
    """Time that ends at `end` of the clock."""

    clock: Callable[[], float]
    end: float

    @property
    def left(self) -> float:
        return self.end - self.clock()


def _read(
    question: str, best: Ranking, passages: Passages, reranker: Reranker, budget: _Budget
) -> NDArray[np.float64]:
    """Return the scores float64[m] of the first m candidates, as many as there is time for.

    Steps double while one takes less than an eighth of the time that is left: a quick model is called seldom, a slow
    one stops soon after the end.
    """
    found = np.empty(0)
    step = _STEP
    texts = passages(best) if budget.left > 0 else ()
    while len(found) < len(texts) and budget.left > 0:
        left = budget.left
        part = texts[len(found) : len(found) + step]
        scores = np.asarray(reranker.score([(question, text) for text in part]), np.float64)
        if scores.shape != (len(part),) or not np.isfinite(scores).all():
            raise ValueError(
                f"a reranker gave scores of shape {scores.shape}, expected {len(part)} finite numbers"
            )
        found = np.concatenate([found, scores])
        step = step * 2 if left - budget.left < left / 8 else step
    return found


def mix(ranking: Ranking, scores: NDArray[np.float64], weight: float) -> Ranking:
    """Return the ranking with its first n reordered by (1 - weight) · own score + weight · scores float64[n]; n ≥ 0.

    Both are min-max normalised over the n: the scores of a first stage that are all equal count as 0.
    """
    count = len(scores)
    if not count:
        return ranking
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
