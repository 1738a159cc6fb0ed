"""What Freshline asks of a log with transactions. Kafka gives it (KIP-98, KIP-447); so does the in-memory twin.

Both pass one contract suite (tests/contract). Callers know no client library.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

#: Names and values as they stand beside a record; a name may stand there twice.
Headers = tuple[tuple[str, bytes | None], ...]


class TopicPartition(NamedTuple):
    """One ordered log."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as read. `timestamp` is the broker's (LogAppendTime) in ms. A record never loses its position."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to write; partition None = by hash of the key (murmur2, as Kafka's Java client does)."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    #: kafka-python writes no null values in headers
    headers: tuple[tuple[str, bytes], ...] = ()


class GroupConsumer(Protocol):
    """A member of a consumer group, isolation level read_committed, offsets committed only by a transaction."""

    def subscribe(
        self,
        topic: str,
        *,
        on_assigned: Callable[[Sequence[TopicPartition]], None],
        on_revoked: Callable[[Sequence[TopicPartition]], None],
    ) -> None:
        """Join the group. The callbacks run inside poll()."""
        ...

    def poll(self, timeout: float, max_records: int) -> list[Record]:
        """Return up to max_records committed records, in offset order within a partition; [] after timeout s."""
        ...

    def keep_alive(self) -> None:
        """Stay a member while records are worked on for long: as poll(), but no record is read.

        A member that does not poll for some minutes is taken for dead (KIP-62). Callbacks run as in poll(): what was
        read of a partition that is revoked meanwhile must not be committed, even where it comes back at once.
        """
        ...

    def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next record that poll() would return. Raises TransientError as seek does."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from offset next: what an aborted transaction had read is read again. Ends a pause.

        Raises TransientError where the partition is not, or no longer, this member's.
        """
        ...

    def pause(self, partition: TopicPartition) -> None:
        """Read no record of a partition until seek(), or until it comes back from another member.

        Raises TransientError as seek does.
        """
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class Transaction(Protocol):
    """Records and offsets that become visible together or not at all."""

    def send(self, record: Outgoing) -> None:
        """Add a record."""
        ...

    def send_offsets(self, offsets: Mapping[TopicPartition, int], group: "GroupConsumer | str") -> None:
        """Add next offsets to read; a GroupConsumer passes its group metadata, so that a fenced member fails.

        A bare group name is for a group without members (the stream's, which only mirrors its coverage).
        """
        ...


class TransactionalProducer(Protocol):
    """The one producer of a transactional id; an older one with the same id is fenced."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a transaction; leaving the block commits, an exception inside it aborts and is raised again.

        Raises Fenced where another producer has taken the id or the group has moved on, TransientError where
        the broker is away: the outcome is then unknown, so build a new producer and read the committed offsets. So
        too where a connection was lost in an earlier transaction: what was sent then may still be on its way.
        """
        ...

    def close(self) -> None:
        """End within 10 s."""
        ...


class LogReader(Protocol):
    """Reads without a group."""

    def partitions(self, topic: str) -> list[int]:
        """Return the partition numbers, sorted; [] for an unknown topic."""
        ...

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return {partition: (first offset kept, next offset to be written)}, read_committed."""
        ...

    def offsets_at(self, topic: str, ms: int) -> dict[int, int]:
        """Return {partition: first offset whose time is ms (epoch) or later, else its end}, read_committed.

        Every committed record that is older lies below it. A marker or an aborted record may stand there. {} for an
        unknown topic.
        """
        ...

    def read_back(self, partition: TopicPartition, since_ms: int) -> Iterable[Record]:
        """Yield the committed records from since_ms (epoch, ms) to the end as it is now.

        What is in doubt below that end is waited for. Raises TransientError where it stays so.
        """
        ...

    def read_at(self, partition: TopicPartition, offsets: Iterable[int]) -> Iterable[Record]:
        """Yield, in this order, the committed records at these offsets; one that is not kept any more is left out."""
        ...

    def read_on(
        self, start: Mapping[TopicPartition, int], timeout: float, max_records: int
    ) -> tuple[list[Record], dict[TopicPartition, int]]:
        """Return committed records from these offsets on, in order within a partition, and where to go on from.

        [] after timeout s; where to go on may have passed markers all the same. Raises TransientError where an offset
        is not there (any more): bounds() then says what is.
        """
        ...

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return a group's {partition: next offset to read}, waiting for transactions in doubt (KIP-447)."""
        ...

    def close(self) -> None:
        """End."""
        ...


class Log(Protocol):
    """A broker, as a factory of the parts above."""

    def group_consumer(self, group: str, instance: str | None = None) -> GroupConsumer:
        """Return a new member; `instance` makes it static (KIP-345)."""
        ...

    def transactional_producer(self, transactional_id: str) -> TransactionalProducer:
        """Return the producer of this id; resolves what an earlier one left in doubt before it returns."""
        ...

    def reader(self) -> LogReader:
        """Return a reader without a group."""
        ...
