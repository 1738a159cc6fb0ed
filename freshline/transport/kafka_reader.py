"""Reading without a group over kafka-python: bounds, the recent past of a partition, a group's offsets."""

from collections.abc import Iterable, Iterator, Mapping
from time import monotonic
from typing import Any

import kafka

from freshline.errors import TransientError
from freshline.transport.kafka_consumer import as_record, native_partition
from freshline.transport.kafka_errors import translated
from freshline.transport.port import Record, TopicPartition

_TIMEOUT_MS = 30_000
_POLL_MS = 500
_MAX_RECORDS = 2000


class KafkaLogReader:
    """See port.LogReader. Each read_back has a connection of its own, so that several may be under way."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._consumer = self._connect()
        self._uncommitted: Any = None
        self._reading_on: Any = None
        self._reached: dict[TopicPartition, int] = {}

    def partitions(self, topic: str) -> list[int]:
        """Return the partition numbers, sorted; [] for an unknown topic."""
        with translated(f"partitions of {topic}"):
            if topic not in self._consumer.topics():  # always asks the broker, so that added ones are seen
                return []
            return sorted(self._consumer.partitions_for_topic(topic))

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return {partition: (first offset kept, next offset to be written)}, read_committed."""
        natives = [kafka.TopicPartition(topic, number) for number in self.partitions(topic)]
        with translated(f"bounds of {topic}"):
            first = self._consumer.beginning_offsets(natives)
            end = self._consumer.end_offsets(natives)
        return {native.partition: (first[native], end[native]) for native in natives}

    def offsets_at(self, topic: str, ms: int) -> dict[int, int]:
        """Return {partition: first offset whose time is ms (epoch) or later, else its end}, read_committed."""
        natives = [kafka.TopicPartition(topic, number) for number in self.partitions(topic)]
        if not natives:
            return {}
        with translated(f"offsets of {topic} by time"):
            end = self._consumer.end_offsets(natives)
            found = self._consumer.offsets_for_times(dict.fromkeys(natives, max(ms, 0)))
        return {
            native.partition: min(found[native].offset, end[native]) if found[native] else end[native]
            for native in natives
        }

    def read_back(self, partition: TopicPartition, since_ms: int) -> Iterator[Record]:
        """Yield the committed records from since_ms (epoch, ms) to the end as it is now, in doubt included.

        Raises TransientError where a transaction stays in doubt.
        """
        native = native_partition(partition)
        start, end = self._written(native, since_ms)
        if start is None or start >= end:
            return
        consumer = self._connect()
        try:
            yield from _read(consumer, native, start, end)
        finally:
            consumer.close()

    def read_at(self, partition: TopicPartition, offsets: Iterable[int]) -> Iterator[Record]:
        """Yield the committed records at these offsets, in this order; what is not kept any more is left out."""
        native = native_partition(partition)
        first, end = self.bounds(partition.topic).get(partition.partition, (0, 0))
        consumer = self._connect()
        try:
            for offset in offsets:
                if first <= offset < end:
                    yield from _read(consumer, native, offset, offset + 1)
        finally:
            consumer.close()

    def read_on(
        self, start: Mapping[TopicPartition, int], timeout: float, max_records: int
    ) -> tuple[list[Record], dict[TopicPartition, int]]:
        """Return committed records from these offsets on, in order within a partition, and where to go on from."""
        try:
            with translated("reading on"):
                consumer = self._at(start)
                batches = consumer.poll(timeout_ms=round(timeout * 1000), max_records=max_records)
                reached = {partition: _position(consumer, native_partition(partition)) for partition in start}
        except BaseException:
            self._end_reading_on()
            raise
        self._reached = reached
        return [as_record(record) for batch in batches.values() for record in batch], dict(reached)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return a group's {partition: next offset to read}, waiting for transactions in doubt (KIP-447)."""
        consumer = self._connect(group_id=group)
        try:
            with translated(f"offsets of group {group}"):
                found = {
                    number: consumer.committed(kafka.TopicPartition(topic, number), timeout_ms=_TIMEOUT_MS)
                    for number in self.partitions(topic)
                }
        finally:
            consumer.close()
        return {number: offset for number, offset in found.items() if offset is not None}

    def close(self) -> None:
        """End."""
        self._end_reading_on()
        self._consumer.close()
        if self._uncommitted is not None:
            self._uncommitted.close()

    def _at(self, start: Mapping[TopicPartition, int]) -> Any:
        """Return the consumer that reads on, assigned to these partitions and at these offsets."""
        if self._reading_on is None:
            # a jump to what is still kept would be a silent loss
            self._reading_on = self._connect(reset="none")
        if self._reached.keys() != start.keys():
            self._reading_on.assign([native_partition(partition) for partition in start])
            self._reached = {}
        for partition, offset in start.items():
            if self._reached.get(partition) != offset:
                self._reading_on.seek(native_partition(partition), offset)
        return self._reading_on

    def _end_reading_on(self) -> None:
        consumer, self._reading_on, self._reached = self._reading_on, None, {}
        if consumer is not None:
            consumer.close()

    def _written(self, native: Any, since_ms: int) -> tuple[int | None, int]:
        """Return the first offset since then and the end, as they are without regard to transactions.

        A read_committed end stands before a transaction whose marker is under way: who reads up to it misses it.
        """
        if self._uncommitted is None:
            self._uncommitted = self._connect(isolation="read_uncommitted")
        with translated(f"bounds of {native}"):
            end = self._uncommitted.end_offsets([native])[native]
            start = self._uncommitted.offsets_for_times({native: since_ms})[native]
        return (start.offset if start else None), end

    def _connect(
        self, group_id: str | None = None, isolation: str = "read_committed", reset: str = "earliest"
    ) -> Any:
        with translated("connecting a reader"):
            return kafka.KafkaConsumer(
                **self._options,
                group_id=group_id,
                isolation_level=isolation,
                enable_auto_commit=False,
                auto_offset_reset=reset,
                allow_auto_create_topics=False,
            )


def _position(consumer: Any, native: Any) -> int:
    """Return the next offset that a consumer would read; unknown only while it is validated after a new leader."""
    offset = consumer.position(native, timeout_ms=_TIMEOUT_MS)
    if offset is None:
        raise kafka.errors.KafkaTimeoutError(f"the position in {native} is not known")
    return int(offset)


def _read(consumer: Any, native: Any, start: int, end: int) -> Iterator[Record]:
    """Yield records until the position, which also passes transaction markers, has reached the end."""
    with translated(f"reading back {native}"):
        consumer.assign([native])
        consumer.seek(native, start)
    deadline = monotonic() + _TIMEOUT_MS / 1000
    position, most = start, min(_MAX_RECORDS, end - start)
    while position < end:
        with translated(f"reading back {native}"):
            batch = consumer.poll(timeout_ms=_POLL_MS, max_records=most).get(native, [])
            reached = consumer.position(native)
        yield from (as_record(record) for record in batch if record.offset < end)
        if reached > position:
            position, deadline = reached, monotonic() + _TIMEOUT_MS / 1000
        elif monotonic() > deadline:
            raise TransientError(f"reading back {native}: no progress at offset {position} of {end}")
