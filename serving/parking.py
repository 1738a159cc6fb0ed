"""Questions that wait until the snapshot covers what they must see (`min_offsets`), or until their deadline.

Others of their partition go on; the committed offset stays at the lowest parked one, so that a crash parks it again and
the duplicate guard drops those answered beyond it. Bounded in number and in time. This module does not answer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from freshline.coverage import Coverage, covers
from freshline.transport.port import TopicPartition
from serving.intake import Asked

#: How long a question without a deadline waits, seconds.
PATIENCE = 5.0
#: How long any question waits, seconds: the committed offset stands still meanwhile.
LONGEST = 60.0
#: Questions that one worker lets wait; the next ones are answered at once, with `stale`.
CAPACITY = 1000


@dataclass(frozen=True, slots=True)
class _Parked:
    asked: Asked
    until: float


def waits_until(asked: Asked) -> float:
    """Return when a question stops waiting, seconds since the epoch.

    Counted from the broker's time of the query, so that a restart does not prolong it.
    """
    arrived = asked.record.timestamp / 1000
    deadline = asked.query.deadline
    return arrived + PATIENCE if deadline is None else min(deadline.timestamp(), arrived + LONGEST)


class Waiting:
    """Questions in the order in which they came, each with the time until which it waits."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._parked: list[_Parked] = []

    def __len__(self) -> int:
        return len(self._parked)

    @property
    def first(self) -> Asked | None:
        """Return the one that has waited longest."""
        return self._parked[0].asked if self._parked else None

    def add(self, asked: Asked, until: float) -> bool:
        """Keep a question; False = there are too many."""
        if len(self._parked) >= self._capacity:
            return False
        self._parked.append(_Parked(asked, until))
        return True

    def take(self, ready: Callable[[Asked], bool], now: float) -> list[Asked]:
        """Take out the questions that are ready or have waited long enough, in the order they came."""
        due: list[Asked] = []
        waiting: list[_Parked] = []
        for parked in self._parked:
            if parked.until <= now or ready(parked.asked):
                due.append(parked.asked)
            else:
                waiting.append(parked)
        self._parked = waiting
        return due

    def lowest(self, partition: TopicPartition) -> int | None:
        """Return the offset that the commit of a partition must not pass."""
        offsets = (p.asked.record.offset for p in self._parked if p.asked.partition == partition)
        return min(offsets, default=None)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Drop the questions of partitions that are read again or owned no more."""
        gone = frozenset(partitions)
        self._parked = [p for p in self._parked if p.asked.partition not in gone]


class Parking(Waiting):
    """The questions that wait for offsets."""

    def park(self, asked: Asked, coverage: Coverage, now: float) -> bool:
        """Keep a question that has to wait; False = answer it now."""
        wanted = asked.query.min_offsets
        if not wanted or covers(coverage, wanted):
            return False
        until = waits_until(asked)
        return until > now and self.add(asked, until)

    def release(self, coverage: Coverage, now: float) -> list[Asked]:
        """Take out the questions that are covered or have waited long enough, in the order they came."""
        return self.take(lambda asked: covers(coverage, asked.query.min_offsets or {}), now)
