"""A group member over kafka-python's KafkaConsumer: read_committed, offsets committed only by a transaction.

kafka-python calls rebalance listeners on its own I/O thread, where any call back into the consumer would wait
for itself. So the listener only notes what happened, and poll() tells the caller before it returns a record:
records that were fetched meanwhile are put back first, so that a callback may look at positions and seek.

kafka-python keeps the position of a partition that comes back to the same member. Its caller has forgotten by then what
it had read and not committed, so the position is let go of with the partition: it is read from the committed offset.

kafka-python 3.0.12 takes the result of a join only inside a poll that was there when it came. Of a join that ended
between two polls it makes another, and of one made because a topic's partitions were learnt of late it forgets all: the
member stays without partitions and heartbeats for ever. So poll() waits for the end of a join, and says again that
it is wanted where it has not seen it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import kafka
from kafka.structs import ConsumerGroupMetadata

from freshline.errors import Fenced, TransientError
from freshline.transport.kafka_errors import translated
from freshline.transport.port import Record, TopicPartition

#: A killed member's partitions go to others after this time, ms; three heartbeats may be lost.
_SESSION_MS = 10_000
_HEARTBEAT_MS = 3_000
_POSITION_MS = 10_000
_CLOSE_MS = 5_000

#: How long poll() waits for the end of a join, ms: it takes until every member has come, told by its heartbeat.
_JOIN_MS = 1_000

Callback = Callable[[Sequence[TopicPartition]], None]


class _Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Notes assignments and revocations in the order in which they happened. Runs on the I/O thread."""

    def __init__(self, on_assigned: Callback, on_revoked: Callback, let_go: Callable[[Any], None]) -> None:
        self._callbacks = (on_assigned, on_revoked)
        self._let_go = let_go
        self._noted: list[tuple[Callback, list[TopicPartition]]] = []

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._note(self._callbacks[0], assigned)

    def on_partitions_revoked(self, revoked: Any) -> None:
        self._let_go(revoked)
        self._note(self._callbacks[1], revoked)

    def _note(self, callback: Callback, partitions: Any) -> None:
        if partitions:
            self._noted.append((callback, sorted(TopicPartition(*partition) for partition in partitions)))

    @property
    def pending(self) -> bool:
        return bool(self._noted)

    def tell(self) -> None:
        while self._noted:
            callback, partitions = self._noted.pop(0)
            callback(partitions)


class KafkaGroupConsumer:
    """See port.GroupConsumer."""

    def __init__(self, options: dict[str, Any], group: str, instance: str | None) -> None:
        self._group = group
        self._instance = instance
        self._listener: _Listener | None = None
        with translated(f"joining group {group}"):
            self._consumer = kafka.KafkaConsumer(
                **options,
                group_id=group,
                group_instance_id=instance,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                session_timeout_ms=_SESSION_MS,
                heartbeat_interval_ms=_HEARTBEAT_MS,
            )

    def subscribe(self, topic: str, *, on_assigned: Callback, on_revoked: Callback) -> None:
        """Join the group. The callbacks run inside poll()."""
        self._listener = _Listener(on_assigned, on_revoked, self._let_go)
        self._consumer.subscribe(topics=[topic], listener=self._listener)

    def poll(self, timeout: float, max_records: int) -> list[Record]:
        """Return up to max_records committed records, in order within a partition; [] after timeout s.

        Takes up to _JOIN_MS longer while the group's partitions move.
        """
        listener = self._subscribed()
        deadline = monotonic() + timeout
        while True:
            left = max(0.0, deadline - monotonic())
            with translated(f"poll of group {self._group}"):
                batches = self._native_poll(left, max_records)
                if not listener.pending:
                    return [as_record(record) for batch in batches.values() for record in batch]
                self._put_back(batches)
            listener.tell()

    def keep_alive(self) -> None:
        """Stay a member; no record is read."""
        # reads a record and puts it back: pause() in this thread and a rebalance in kafka-python's own would race
        listener = self._subscribed()
        with translated(f"keeping alive in group {self._group}"):
            self._put_back(self._native_poll(0.0, max_records=1))
        listener.tell()

    def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next record that poll() would return."""
        with translated(f"position in {partition}"):
            offset = self._consumer.position(native_partition(partition), timeout_ms=_POSITION_MS)
            if offset is None:
                raise kafka.errors.KafkaTimeoutError("the committed offset is in doubt, or the broker away")
            return int(offset)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from offset next; ends a pause. Raises TransientError where it went to another member."""
        native = native_partition(partition)
        with _assigned(partition):
            self._consumer.seek(native, offset)
            self._consumer.resume(native)

    def pause(self, partition: TopicPartition) -> None:
        """Read no record of a partition until seek(). Raises TransientError as seek does."""
        with _assigned(partition):
            self._consumer.pause(native_partition(partition))

    def close(self) -> None:
        """Leave the group."""
        with translated(f"leaving group {self._group}"):
            self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)

    def metadata(self) -> ConsumerGroupMetadata:
        """Return the membership that fences (KIP-447). Raises Fenced where there is none.

        Raises TransientError after a rebalance that poll() has not told of. Without a member id the broker would take
        the offsets as those of a group without members.
        """
        metadata = self._consumer.group_metadata()
        moved = (
            self._listener is not None and self._listener.pending
        )  # asked later: what had moved then is known now
        if not metadata.member_id or metadata.generation_id < 0:
            raise Fenced(f"this process is no longer a member of group {self._group}")
        if moved:  # this may be the membership after a rebalance, for what was read before it
            raise TransientError(f"partitions of group {self._group} have moved since they were read")
        return metadata

    def _subscribed(self) -> _Listener:
        if self._listener is None:
            raise ValueError("poll() needs subscribe() first")
        return self._listener

    def _check_instance(self) -> None:
        """Raise Fenced where another member has the same instance.

        kafka-python learns it from a heartbeat, logs it, stops the heartbeats and goes on reading for ever: a stable
        static member without heartbeats is one that was fenced.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - nothing public tells
        fenced = coordinator.stable() and not coordinator._heartbeat_enabled  # noqa: SLF001 - see above
        if self._instance is not None and fenced:
            raise Fenced(f"another member took over instance {self._instance} of group {self._group}")

    def _native_poll(self, timeout: float, max_records: int) -> dict[Any, list[Any]]:
        """Poll once, after the join that may go on; see the module's text."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - nothing public waits for a join alone
        if coordinator.rejoining or coordinator.need_rejoin():
            coordinator.poll(timeout_ms=_JOIN_MS)
        batches: dict[Any, list[Any]] = self._consumer.poll(
            timeout_ms=timeout * 1000, max_records=max_records
        )
        if coordinator.rejoining:
            coordinator.request_rejoin()
        self._check_instance()
        return batches

    def _let_go(self, partitions: Any) -> None:
        subscription = self._consumer._subscription  # noqa: SLF001 - nothing public forgets a position
        with subscription._lock:  # noqa: SLF001 - as above
            for partition in partitions:
                subscription.assignment.pop(partition, None)

    def _put_back(self, batches: dict[Any, list[Any]]) -> None:
        for partition, records in batches.items():
            with suppress(TransientError):  # it has gone: nothing to put back
                self.seek(TopicPartition(*partition), records[0].offset)


@contextmanager
def _assigned(partition: TopicPartition) -> Iterator[None]:
    """Say in our words what kafka-python says of a partition that the I/O thread may have taken away just now."""
    try:
        yield
    except (ValueError, KeyError) as gone:
        raise TransientError(f"{partition} is not assigned to this member") from gone


def native_partition(partition: TopicPartition) -> kafka.TopicPartition:
    """Return our partition as kafka-python's."""
    return kafka.TopicPartition(partition.topic, partition.partition)


def as_record(record: Any) -> Record:
    """Return kafka-python's record as ours."""
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )
