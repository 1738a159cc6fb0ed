"""Consumer groups of the in-memory twin: the eager protocol of Kafka's classic groups.

A rebalance ends when every member has polled since it began; until then members of the old generation may commit.
A static member that comes again takes the place of the older one, which is fenced (KIP-345).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from freshline.errors import Fenced, TransientError
from freshline.transport.memory_broker import Broker, Pending
from freshline.transport.port import Record, TopicPartition

#: How long an offset in doubt is waited for, s.
_IN_DOUBT = 10.0

Callback = Callable[[Sequence[TopicPartition]], None]


@dataclass
class Group:
    """Members, assignment and offsets of one group."""

    broker: Broker
    generation: int = 0
    members: "list[MemoryGroupConsumer]" = field(default_factory=list)
    #: while a rebalance is under way: who has joined again; None otherwise
    joined: "list[MemoryGroupConsumer] | None" = None
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    #: transactions with offsets of this group, oldest first
    transactions: list[Pending] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether no rebalance is under way and every member has taken its share."""
        return self.joined is None and all(member.settled for member in self.members)

    def rebalance(self) -> None:
        """Begin a rebalance: every member must join again."""
        self.joined = []
        self.settle()

    def settle(self) -> None:
        """End the rebalance if all have joined: shares differ by one partition at most."""
        if self.joined is None or len(self.joined) < len(self.members):
            return
        self.joined = None
        self.generation += 1
        for place, member in enumerate(self.members):
            all_of_topic = self.broker.partitions(member.topic)
            member.share = all_of_topic[place :: len(self.members)]
        self.broker.changed.notify_all()

    def in_doubt(self, name: str, partition: TopicPartition) -> bool:
        """Say whether an open transaction holds an offset of this partition."""
        self.transactions = [pending for pending in self.transactions if pending.outcome == "open"]
        return any(partition in pending.offsets[name] for pending in self.transactions)


class MemoryGroupConsumer:
    """See port.GroupConsumer."""

    def __init__(self, broker: Broker, name: str, group: Group, instance: str | None) -> None:
        self.topic = ""
        self.name = name
        self.group = group
        self.instance = instance
        self.share: list[TopicPartition] = []
        self._broker = broker
        self._generation = -1
        self._fenced = False
        self._owned: list[TopicPartition] = []
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._on_assigned: Callback = lambda _: None
        self._on_revoked: Callback = lambda _: None

    def subscribe(self, topic: str, *, on_assigned: Callback, on_revoked: Callback) -> None:
        """Join the group. The callbacks run inside poll()."""
        self.topic, self._on_assigned, self._on_revoked = topic, on_assigned, on_revoked
        with self._broker.changed:
            if not self._take_over():
                self.group.members.append(self)
                self.group.rebalance()

    def poll(self, timeout: float, max_records: int) -> list[Record]:
        """Return up to max_records committed records, in order within a partition; [] after timeout s."""
        deadline = monotonic() + timeout
        while True:
            self._keep_up()
            with self._broker.changed:
                records = self._fetch(max_records)
                left = deadline - monotonic()
                if records or left <= 0:
                    return records
                self._broker.changed.wait(left)

    def keep_alive(self) -> None:
        """Stay a member; no record is read."""
        self._keep_up()

    def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next record that poll() would return."""
        self._check_owned(partition)
        deadline = monotonic() + _IN_DOUBT
        with self._broker.changed:
            while not self._resolve(partition):
                if not self._broker.changed.wait(deadline - monotonic()):
                    raise TransientError(f"the committed offset of {partition} is in doubt")
            return self._positions[partition]

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from offset next; ends a pause."""
        self._check_owned(partition)
        self._positions[partition] = offset
        self._paused.discard(partition)

    def pause(self, partition: TopicPartition) -> None:
        """Read no record of a partition until seek()."""
        self._check_owned(partition)
        self._paused.add(partition)

    def close(self) -> None:
        """Leave the group."""
        with self._broker.changed:
            self._generation = -1
            if self in self.group.members:
                self.group.members.remove(self)
                self.group.rebalance()

    def check_member(self) -> None:
        """Raise Fenced where the group has gone on without this member."""
        if self._fenced or self not in self.group.members or self._generation != self.group.generation:
            raise Fenced(f"this process is no longer a member of group {self.name}")

    @property
    def settled(self) -> bool:
        """Whether this member has taken its share."""
        return self._generation == self.group.generation

    def _check_owned(self, partition: TopicPartition) -> None:
        if partition not in self._owned:
            raise TransientError(f"{partition} is not assigned to this member")

    def _take_over(self) -> bool:
        """Replace an older member of the same static instance, without a rebalance."""
        for place, member in enumerate(self.group.members):
            if self.instance is not None and member.instance == self.instance:
                self.group.members[place] = self
                self.share, member._fenced = member.share, True  # noqa: SLF001 - one of us
                return True
        return False

    def _keep_up(self) -> None:
        """Join a rebalance, then take the new share; callbacks run without the lock, as they may read."""
        if self._fenced:
            raise Fenced(f"another member took over instance {self.instance} of group {self.name}")
        with self._broker.changed:
            joining = self.group.joined is not None and self not in self.group.joined
        if joining:
            self._give_up()
        with self._broker.changed:
            if joining and self.group.joined is not None:
                self.group.joined.append(self)
                self.group.settle()
            adopt = self.group.joined is None and self._generation != self.group.generation
            if adopt:
                self._generation, self._owned, self._positions = self.group.generation, list(self.share), {}
                self._paused.clear()
        if adopt and self._owned:
            self._on_assigned(list(self._owned))

    def _give_up(self) -> None:
        owned, self._owned, self._positions = self._owned, [], {}
        if owned:
            self._on_revoked(owned)

    def _resolve(self, partition: TopicPartition) -> bool:
        if partition not in self._positions and not self.group.in_doubt(self.name, partition):
            self._positions[partition] = self.group.offsets.get(partition, 0)
        return partition in self._positions

    def _fetch(self, max_records: int) -> list[Record]:
        fetched: list[Record] = []
        for partition in self._owned:
            readable = partition not in self._paused and self._resolve(partition)
            if readable and len(fetched) < max_records:
                records, position = self._broker.read(
                    partition, self._positions[partition], max_records - len(fetched)
                )
                self._positions[partition] = position
                fetched += records
        return fetched
