"""Questions that wait until the snapshot covers what they must see, or until their deadline.

What must be seen is named by offsets (`min_offsets`), or by age (`max_staleness`), which serving.staleness makes into
offsets: such a question waits for those first, and longer than that only where they are not covered.

Others of their partition go on; the committed offset stays at the lowest parked one, so that a crash parks it again and
the duplicate guard drops those answered beyond it. Bounded in number and in time. This module does not answer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from freshline.coverage import Coverage, covers, missing, next_offset
from freshline.transport.port import TopicPartition
from serving.intake import Asked
from serving.staleness import Ages

#: How long a question without a deadline waits, seconds.
PATIENCE = 5.0
#: How long any question waits, seconds: the committed offset stands still meanwhile.
LONGEST = 60.0
#: Questions that one worker lets wait; the next ones are answered at once, with `stale`.
CAPACITY = 1000
#: Seconds that any question waits to learn which offsets `max_staleness` means: one that was long in the queue, too.
LOOK = 1.0
#: Seconds before the end of its wait from which on it is asked how old what a question misses is.
TELL = 0.5


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
    """The questions that wait for offsets, or to learn which ones those are."""

    def __init__(self, ages: Ages | None = None, capacity: int = CAPACITY) -> None:
        super().__init__(capacity)
        self._ages = ages

    def park(self, asked: Asked, coverage: Coverage, now: float) -> bool:
        """Keep a question that has to wait; False = answer it now."""
        query = asked.query
        if query.max_staleness is not None:
            self._learned(asked)  # the broker is asked while the next turn begins
        elif not query.min_offsets or covers(coverage, query.min_offsets):
            return False
        until = _until(asked, now)
        return until > now and self.add(asked, until)

    def release(self, coverage: Coverage, now: float) -> list[Asked]:
        """Take out the questions that are covered or have waited long enough, in the order they came."""
        if self._ages is not None:
            self._parked = [
                one if _is_known(one.asked) else replace(one, asked=self._learned(one.asked))
                for one in self._parked
            ]
            for one in self._parked:
                if one.until - now <= TELL:
                    self._oldest_ms(one.asked, coverage)
        due = self.take(lambda asked: _is_known(asked) and covers(coverage, asked.wanted), now)
        return [self._told(asked, coverage, now) for asked in due]

    def close(self) -> None:
        """Ask the broker no more."""
        if self._ages is not None:
            self._ages.close()

    def _learned(self, asked: Asked) -> Asked:
        floor = None if self._ages is None else self._ages.floor(asked)
        return asked if floor is None else replace(asked, floor=floor)

    def _told(self, asked: Asked, coverage: Coverage, now: float) -> Asked:
        """Return a question with how late what it misses is."""
        oldest = self._oldest_ms(asked, coverage)
        return asked if oldest is None else replace(asked, late_by=max(0.0, now - oldest / 1000))

    def _oldest_ms(self, asked: Asked, coverage: Coverage) -> int | None:
        """Return when the oldest event that a question misses was written; None = none, or not known (yet)."""
        if self._ages is None:
            return None
        written = [
            self._ages.written(TopicPartition(topic, partition), next_offset(coverage, topic, partition))
            for topic, partitions in missing(coverage, asked.wanted).items()
            for partition in partitions
        ]
        known = [ms for ms in written if ms is not None]
        return min(known) if known and len(known) == len(written) else None


def _is_known(asked: Asked) -> bool:
    return asked.query.max_staleness is None or asked.floor is not None


def _until(asked: Asked, now: float) -> float:
    until, deadline = waits_until(asked), asked.query.deadline
    if asked.query.max_staleness is None:
        return until
    return max(until, now + LOOK if deadline is None else min(now + LOOK, deadline.timestamp()))
