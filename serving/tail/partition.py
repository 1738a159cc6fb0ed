"""One partition of an owner: where it is, what it has written that is not durable yet, and why it stands aside.

Knows no Kafka, no Redis and no manifest: it is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from freshline.transport.port import TopicPartition

#: Why nothing is read of a partition. The first four are beginnings and come to an end by themselves.
Reason = Literal[
    "assigned",  # it has just come to this member
    "behind",  # the manifest covers more than was read
    "renewed",  # another generation is served, or the topic was created anew
    "fault",  # the broker or the lake did not answer
    "backlog",  # so much is to be read that the stream is quicker
    "documents",  # so much is not durable yet
    "bytes",  # the same in memory
    "limit",  # the next document is near a limit
    "reject",  # the next document is refused for a reason that another process might not have
    "redis",  # nobody could take the entry
    "gap",  # Kafka has removed what comes next
]
BEGINNINGS: frozenset[Reason] = frozenset({"assigned", "behind", "renewed", "fault"})
#: Left when the manifest covers the document that was in the way.
_BY_COVERAGE: frozenset[Reason] = frozenset({"limit", "reject"})
_BY_BUDGET: frozenset[Reason] = frozenset({"documents", "bytes"})

#: Between looks whether a partition may go on, seconds; doubled up to the last while Redis is away.
_AGAIN = (0.1, 5.0)


class Written(NamedTuple):
    """An entry in the stream: its id, its end, and what it holds."""

    id: str
    end: int
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be not durable yet of one partition."""

    documents: int
    bytes: int


@dataclass(slots=True)
class Partition:
    """`at`: next offset to read; `clock`: the running clock there, ms."""

    place: TopicPartition
    at: int = 0
    clock: int = 0
    aside: Reason | None = "assigned"
    #: in the order of the stream
    written: list[Written] = field(default_factory=list)
    _failures: int = 0
    _again: float = 0.0

    @property
    def number(self) -> int:
        """Return the partition's number."""
        return self.place.partition

    @property
    def documents(self) -> int:
        """Return how many documents are not durable yet."""
        return sum(one.documents for one in self.written)

    @property
    def bytes(self) -> int:
        """Return about how much memory they take in each worker."""
        return sum(one.bytes for one in self.written)

    def begin(self, at: int, clock: int, written: Sequence[Written]) -> None:
        """Go on from here."""
        self.at, self.clock, self.written = at, clock, list(written)
        self.aside, self._failures = None, 0

    def wrote(self, entry: Written, clock: int) -> None:
        """Go on behind an entry that is in the stream."""
        self.written.append(entry)
        self.at, self.clock = entry.end, clock

    def stand_aside(self, reason: Reason, now: float) -> None:
        """Read no more for a reason; a beginning is looked at at once."""
        self.aside = reason
        first, longest = _AGAIN
        self._failures = self._failures + 1 if reason == "redis" else 0
        if reason in BEGINNINGS:
            self.written = []  # the stream says it again
        waits = min(longest, first * 2**self._failures) if reason not in BEGINNINGS else 0.0
        self._again = now + waits

    def over(self, budget: Budget) -> Reason | None:
        """Return what there is too much of."""
        if self.documents > budget.documents:
            return "documents"
        return "bytes" if self.bytes > budget.bytes else None

    def may_begin(self, covered: int, budget: Budget, now: float) -> bool:
        """Return whether it is time to look where to go on; after too much, when half of that is durable."""
        if self.aside is None or now < self._again:
            return False
        if self.aside in _BY_COVERAGE:
            return covered > self.at
        half = Budget(budget.documents // 2, budget.bytes // 2)
        return self.aside not in _BY_BUDGET or self.over(half) is None

    def settle(self, covered: int) -> str | None:
        """Forget what is durable; return the id of the first entry that the stream must keep, None = no change.

        The newest entry stays in the stream: an id that comes after it is not known.
        """
        gone = [one for one in self.written if one.end <= covered]
        if not gone:
            return None
        self.written = [one for one in self.written if one.end > covered]
        return self.written[0].id if self.written else gone[-1].id
