"""Newer before older, where both are about as relevant: scores decay with age. Off unless a half-life is set.

A relevance that may be anything (BM25, a cosine, a fused score) is first put between 0 and 1 over the candidates, else
a factor would mean another thing in each mode, and lift what is below zero. Then

    score = relevance · (1 - weight + weight · 2^(-age / half_life))

so age takes at most the share `weight`: what is irrelevant stays below, however new it is.
Example: half_life 10 days, weight .5:

    fused score    .030   .027   .025   .020
    relevance      1.0    0.7    0.5    0.0       (score - .020) / (.030 - .020)
    age, days      20     0      10     0
    decay          .25    1.0    .5     1.0       2^(-20/10) = .25
    score          .625   .700   .375   .000      1.0 · (.5 + .5 · .25) = .625: the second is now the first

All candidates of the ranking take part, so a new document that the first stage put anywhere among them can rise; one
behind them cannot. Knows no clock, no snapshot and no rule of who may see what.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from freshline.retrieval.ranking import Ranking, ordered

MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecencyPolicy:
    """`half_life` in seconds, 0 = no decay; `weight` 0 to 1; `field` = a metadata key with dates, "" = broker time."""

    half_life: float = 0.0
    weight: float = 0.5
    field: str = ""

    @property
    def on(self) -> bool:
        """Whether age counts at all."""
        return self.half_life > 0 and self.weight > 0


def decayed(ranking: Ranking, times_ms: Sequence[int | None], now_ms: int, policy: RecencyPolicy) -> Ranking:
    """Return the ranking in its order after decay; times_ms[i] = when candidate i was new, None = nobody knows.

    What has no time counts as infinitely old, as a backfilled state does in its revision: below anything that is dated,
    at equal relevance. A time to come counts as now.
    """
    if not ranking:
        return []
    least = min(one.score for one in ranking)
    span = max(one.score for one in ranking) - least
    return ordered(
        one._replace(score=((one.score - least) / span if span else 1.0) * _factor(time, now_ms, policy))
        for one, time in zip(ranking, times_ms, strict=True)
    )


def _factor(time_ms: int | None, now_ms: int, policy: RecencyPolicy) -> float:
    if time_ms is None:  # not by an infinite age: over an infinite half-life that is no number
        return 1 - policy.weight
    age = max(0, now_ms - time_ms) / MS_PER_SECOND
    return 1 - policy.weight + policy.weight * math.exp2(-age / policy.half_life)
