"""What the in-memory twin keeps: partitions with open transactions, markers and holes, as a Kafka broker does.

Every method expects the broker's lock to be held; waiting is done on the same condition. Knows no groups.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from kafka.partitioner.default import murmur2

from freshline.clock import Clock
from freshline.errors import MissingPart
from freshline.transport.port import Outgoing, Record, TopicPartition


@dataclass(eq=False)
class Pending:
    """One transaction: its outcome decides what readers see of its records and offsets."""

    outcome: Literal["open", "committed", "aborted"] = "open"
    touched: set[TopicPartition] = field(default_factory=set)
    #: {group: {partition: next offset}}
    offsets: dict[str, dict[TopicPartition, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Entry:
    record: Record | None  # None: a transaction marker, which takes an offset too
    pending: Pending | None

    @property
    def readable(self) -> bool:
        return self.record is not None and (self.pending is None or self.pending.outcome == "committed")


class Broker:
    """Topics of one cluster."""

    def __init__(self, clock: Clock) -> None:
        self.changed = threading.Condition()
        self._clock = clock
        self._logs: dict[TopicPartition, list[_Entry]] = {}

    def create(self, topic: str, partitions: int) -> None:
        """Create a topic, or add partitions to it."""
        for number in range(partitions):
            self._logs.setdefault(TopicPartition(topic, number), [])

    def partitions(self, topic: str) -> list[TopicPartition]:
        """Return a topic's partitions, sorted."""
        return sorted(partition for partition in self._logs if partition.topic == topic)

    def append(self, outgoing: Outgoing, pending: Pending | None = None) -> Record:
        """Write one record at the end of its partition."""
        partition = self._choose(outgoing)
        log = self._logs[partition]
        record = Record(
            topic=partition.topic,
            partition=partition.partition,
            offset=len(log),
            timestamp=round(self._clock.now() * 1000),
            key=outgoing.key,
            value=outgoing.value,
            headers=outgoing.headers,
        )
        log.append(_Entry(record, pending))
        if pending is not None:
            pending.touched.add(partition)
        self.changed.notify_all()
        return record

    def end(self, pending: Pending, outcome: Literal["committed", "aborted"]) -> None:
        """Decide a transaction and write its markers."""
        pending.outcome = outcome
        for partition in pending.touched:
            self._logs[partition].append(_Entry(None, pending))
        self.changed.notify_all()

    def end_of(self, partition: TopicPartition) -> int:
        """Return the next offset to be written, whatever is in doubt below it."""
        return len(self._logs[partition])

    def stable_end(self, partition: TopicPartition) -> int:
        """Return the last stable offset: nothing at or above it may be read before a transaction is decided."""
        log = self._logs[partition]
        undecided = (at for at, entry in enumerate(log) if entry.pending and entry.pending.outcome == "open")
        return next(undecided, len(log))

    def read(self, partition: TopicPartition, start: int, limit: int) -> tuple[list[Record], int]:
        """Return up to limit committed records from start on, and the offset to go on from."""
        records: list[Record] = []
        position = start
        for entry in self._logs[partition][start : self.stable_end(partition)]:
            if len(records) == limit:
                break
            position += 1
            if entry.readable and entry.record is not None:
                records.append(entry.record)
        return records, position

    def read_at(self, partition: TopicPartition, offset: int) -> Record | None:
        """Return the committed record at an offset."""
        if partition not in self._logs:
            return None
        found, _ = self.read(partition, offset, 1)
        return found[0] if found and found[0].offset == offset else None

    def read_since(self, partition: TopicPartition, since_ms: int) -> Iterable[Record]:
        """Return the committed records from a time on."""
        records, _ = self.read(partition, 0, len(self._logs[partition]))
        return (record for record in records if record.timestamp >= since_ms)

    def first_since(self, partition: TopicPartition, since_ms: int) -> int:
        """Return the offset of the first committed record from a time on, else the last stable offset."""
        first = next(iter(self.read_since(partition, since_ms)), None)
        return self.stable_end(partition) if first is None else first.offset

    def _choose(self, outgoing: Outgoing) -> TopicPartition:
        known = self.partitions(outgoing.topic)
        if not known:
            raise MissingPart(f"topic {outgoing.topic!r} does not exist; expected it to be created first")
        if outgoing.partition is not None:
            return known[outgoing.partition]
        if outgoing.key is None:
            return known[0]
        hashed: int = murmur2(outgoing.key) & 0x7FFFFFFF
        return known[hashed % len(known)]
