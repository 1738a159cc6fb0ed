"""Kafka's in-memory twin, for tests: the same contract suite is passed by it and by a real broker.

    log = MemoryLog({"queries": 4, "responses": 4})
    log.append(Outgoing(topic="queries", key=b"q1", value=b"{}"))

Everything lives in this process; nothing is kept. Retention, compaction and message size are not imitated.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

from freshline.clock import Clock, SystemClock
from freshline.errors import Fenced, TransientError
from freshline.transport.memory_broker import Broker, Pending
from freshline.transport.memory_group import Group, MemoryGroupConsumer
from freshline.transport.port import GroupConsumer, Outgoing, Record, TopicPartition

_IN_DOUBT = 30.0

_Groups = Callable[[str], Group]


class MemoryLog:
    """See port.Log. `topics` is {name: number of partitions}."""

    def __init__(self, topics: Mapping[str, int] | None = None, clock: Clock | None = None) -> None:
        self._broker = Broker(clock or SystemClock())
        self._groups: dict[str, Group] = {}
        self._owners: dict[str, MemoryTransactionalProducer] = {}
        #: outcome of commits that a caller never hears of, in order; see lose_next_commit
        self._lost: list[bool] = []
        for name, partitions in (topics or {}).items():
            self._broker.create(name, partitions)

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic, or add partitions to it."""
        with self._broker.changed:
            self._broker.create(name, partitions)

    def append(self, record: Outgoing) -> Record:
        """Write one record without a transaction, as a foreign producer would."""
        with self._broker.changed:
            return self._broker.append(record)

    def lose_next_commit(self, *, applied: bool) -> None:
        """Let the next commit raise TransientError, as a cut connection does, whether or not it took effect."""
        self._lost.append(applied)

    def group_settled(self, group: str) -> bool:
        """Say whether no rebalance is under way and every member has heard of its share."""
        return self._group(group).settled

    def group_consumer(self, group: str, instance: str | None = None) -> MemoryGroupConsumer:
        """Return a new member."""
        return MemoryGroupConsumer(self._broker, group, self._group(group), instance)

    def transactional_producer(self, transactional_id: str) -> "MemoryTransactionalProducer":
        """Return the producer of this id; the older one is fenced and what it left open is aborted."""
        with self._broker.changed:
            older = self._owners.get(transactional_id)
            if older is not None:
                older.fence()
            producer = MemoryTransactionalProducer(self._broker, self._group, self._lost)
            self._owners[transactional_id] = producer
            return producer

    def reader(self) -> "MemoryLogReader":
        """Return a reader without a group."""
        return MemoryLogReader(self._broker, self._group)

    def _group(self, name: str) -> Group:
        return self._groups.setdefault(name, Group(self._broker))


class MemoryTransaction:
    """See port.Transaction."""

    def __init__(self, producer: "MemoryTransactionalProducer", broker: Broker, groups: _Groups) -> None:
        self._producer = producer
        self._broker = broker
        self._groups = groups
        self.pending = Pending()

    def send(self, record: Outgoing) -> None:
        """Add a record."""
        with self._broker.changed:
            self._producer.check_owner()
            self._broker.append(record, self.pending)

    def send_offsets(self, offsets: Mapping[TopicPartition, int], group: GroupConsumer | str) -> None:
        """Add next offsets to read, with the membership of a GroupConsumer."""
        with self._broker.changed:
            self._producer.check_owner()
            if isinstance(group, MemoryGroupConsumer):
                group.check_member()
                name = group.name
            elif isinstance(group, str):
                name = group
            else:
                raise TypeError(f"a member of another log: {type(group).__name__}")
            self.pending.offsets.setdefault(name, {}).update(offsets)
            self._groups(name).transactions.append(self.pending)


class MemoryTransactionalProducer:
    """See port.TransactionalProducer."""

    def __init__(self, broker: Broker, groups: _Groups, lost: list[bool]) -> None:
        self._broker = broker
        self._groups = groups
        self._lost = lost
        self._fenced = False
        self._broken = False
        self._open: Pending | None = None

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """Open a transaction; leaving the block commits, an exception inside it aborts and is raised again."""
        if self._broken:
            raise TransientError("this producer has failed before: build a new one")
        self.check_owner()
        transaction = MemoryTransaction(self, self._broker, self._groups)
        self._open = transaction.pending
        try:
            yield transaction
        except BaseException:
            with self._broker.changed:
                self._end(committed=False)
            raise
        with self._broker.changed:
            self._commit()

    def close(self) -> None:
        """End; what is open is aborted."""
        with self._broker.changed:
            self._end(committed=False)

    def fence(self) -> None:
        """Lose the transactional id to a newer producer."""
        self._fenced = True
        self._end(committed=False)

    def check_owner(self) -> None:
        """Raise Fenced where a newer producer has the id."""
        if self._fenced:
            raise Fenced("another producer has taken this transactional id")

    def _commit(self) -> None:
        self.check_owner()
        if not self._lost:
            self._end(committed=True)
            return
        self._broken = True
        self._end(committed=self._lost.pop(0))
        raise TransientError("the connection was cut during the commit: its outcome is unknown")

    def _end(self, *, committed: bool) -> None:
        pending, self._open = self._open, None
        if pending is None or pending.outcome != "open":
            return
        if committed:
            for name, offsets in pending.offsets.items():
                self._groups(name).offsets.update(offsets)
        self._broker.end(pending, "committed" if committed else "aborted")


class MemoryLogReader:
    """See port.LogReader."""

    def __init__(self, broker: Broker, groups: _Groups) -> None:
        self._broker = broker
        self._groups = groups

    def partitions(self, topic: str) -> list[int]:
        """Return the partition numbers, sorted; [] for an unknown topic."""
        with self._broker.changed:
            return [partition.partition for partition in self._broker.partitions(topic)]

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return {partition: (first offset kept, next offset to be written)}, read_committed."""
        with self._broker.changed:
            return {
                partition.partition: (0, self._broker.stable_end(partition))
                for partition in self._broker.partitions(topic)
            }

    def offsets_at(self, topic: str, ms: int) -> dict[int, int]:
        """Return {partition: first offset whose time is ms (epoch) or later, else its end}, read_committed."""
        with self._broker.changed:
            return {
                partition.partition: self._broker.first_since(partition, ms)
                for partition in self._broker.partitions(topic)
            }

    def read_back(self, partition: TopicPartition, since_ms: int) -> Iterable[Record]:
        """Return the committed records from since_ms (epoch, ms) to the end as it is now, in doubt included."""
        deadline = monotonic() + _IN_DOUBT
        with self._broker.changed:
            end = self._broker.end_of(partition)
            while self._broker.stable_end(partition) < end:
                if not self._broker.changed.wait(deadline - monotonic()):
                    raise TransientError(f"a transaction in {partition} stays in doubt")
            return list(self._broker.read_since(partition, since_ms))

    def read_at(self, partition: TopicPartition, offsets: Iterable[int]) -> Iterator[Record]:
        """Yield the committed records at these offsets, in this order; what is not there is left out."""
        for offset in offsets:
            with self._broker.changed:
                record = self._broker.read_at(partition, offset)
            if record is not None:
                yield record

    def read_on(
        self, start: Mapping[TopicPartition, int], timeout: float, max_records: int
    ) -> tuple[list[Record], dict[TopicPartition, int]]:
        """Return committed records from these offsets on, in order within a partition, and where to go on from."""
        deadline = monotonic() + timeout
        with self._broker.changed:
            while True:
                records: list[Record] = []
                reached = {}
                for partition, offset in start.items():
                    if offset > self._broker.end_of(partition):
                        raise TransientError(f"offset {offset} of {partition} is not there")
                    found, reached[partition] = self._broker.read(
                        partition, offset, max_records - len(records)
                    )
                    records += found
                if records or not self._broker.changed.wait(deadline - monotonic()):
                    return records, reached

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return a group's {partition: next offset to read}, waiting for transactions in doubt."""
        deadline = monotonic() + _IN_DOUBT
        with self._broker.changed:
            found = self._groups(group)
            partitions = self._broker.partitions(topic)
            while any(found.in_doubt(group, partition) for partition in partitions):
                if not self._broker.changed.wait(deadline - monotonic()):
                    raise TransientError(f"offsets of group {group} are in doubt")
            return {part.partition: found.offsets[part] for part in partitions if part in found.offsets}

    def close(self) -> None:
        """End."""
