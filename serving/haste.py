"""How long a batch may wait for peers, by the deadlines of its questions. Pure.

Half of what is left until a deadline is for peers, the rest for the answer. Questions in haste are a batch of their
own: the others do not lose shards for them.
"""

from collections.abc import Sequence

from serving.intake import Asked

#: Share of the time until a deadline that peers may take.
_SHARE = 0.5


def within(batch: Sequence[Asked], now: float) -> float | None:
    """Return how many seconds peers may take, None = no question of the batch says."""
    deadlines = [asked.query.deadline.timestamp() for asked in batch if asked.query.deadline is not None]
    return max(0.0, _SHARE * (min(deadlines) - now)) if deadlines else None


def by_haste(batch: Sequence[Asked], now: float, patience: float) -> list[list[Asked]]:
    """Return the questions that leave peers so many seconds, and those that do not, each in order; never empty lists.

    Example, now 0, patience 1: deadlines 1.5, none, 9  ->  [[none, 9], [1.5]]
    """
    calm: list[Asked] = []
    hasty: list[Asked] = []
    for asked in batch:
        left = within([asked], now)
        (calm if left is None or left >= patience else hasty).append(asked)
    return [part for part in (calm, hasty) if part]
