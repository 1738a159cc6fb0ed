"""One contract, two logs: Kafka's in-memory twin and a real broker."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from uuid import uuid4

import pytest

from freshline.errors import Fenced, FreshlineError, TransientError
from freshline.settings import KafkaSettings
from freshline.transport.kafka import open_log
from freshline.transport.memory import MemoryLog
from freshline.transport.port import (
    GroupConsumer,
    Log,
    LogReader,
    Outgoing,
    Record,
    TopicPartition,
    TransactionalProducer,
)

DEADLINE = 30.0


class Closable(Protocol):
    def close(self) -> None: ...


_P = TypeVar("_P", bound=Closable)


@dataclass
class World:
    """A log with fresh names, and everything opened on it closed at the end."""

    log: Log
    make_topic: Callable[[str, int], None]
    stack: ExitStack = field(default_factory=ExitStack)
    name: str = field(default_factory=lambda: f"t{uuid4().hex[:12]}")

    def topic(self, partitions: int = 1) -> str:
        name = f"{self.name}-{uuid4().hex[:6]}"
        self.make_topic(name, partitions)
        return name

    def producer(self, suffix: str = "p") -> TransactionalProducer:
        return self._kept(self.log.transactional_producer(f"{self.name}-{suffix}"))

    def reader(self) -> LogReader:
        return self._kept(self.log.reader())

    def member(self, topic: str, instance: str | None = None) -> "Member":
        return Member(self._kept(self.log.group_consumer(self.name, instance)), topic)

    def write(self, topic: str, values: Sequence[str], partition: int | None = 0) -> None:
        with self.producer("writer").transaction() as transaction:
            for value in values:
                transaction.send(
                    Outgoing(topic=topic, key=value.encode(), value=value.encode(), partition=partition)
                )

    def _kept(self, part: _P) -> _P:
        self.stack.callback(_close_quietly, part)
        return part


def _close_quietly(part: Closable) -> None:
    with suppress(FreshlineError):  # a fenced part may say so once more
        part.close()


class Member:
    """A group consumer that remembers what it owns."""

    def __init__(self, consumer: GroupConsumer, topic: str) -> None:
        self.consumer = consumer
        self.topic = topic
        self.owned: set[TopicPartition] = set()
        self.seek_on_assignment: int | None = None
        consumer.subscribe(topic, on_assigned=self._assigned, on_revoked=self.owned.difference_update)

    def _assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.owned.update(partitions)
        if self.seek_on_assignment is not None:
            for partition in partitions:
                self.consumer.position(partition)
                self.consumer.seek(partition, self.seek_on_assignment)

    def read(self, count: int, max_records: int = 100) -> list[Record]:
        records: list[Record] = []

        def enough() -> bool:
            records.extend(self.consumer.poll(0.2, max_records))
            return len(records) >= count

        until(enough)
        return records

    def quiet(self) -> bool:
        return self.consumer.poll(0.5, 100) == []


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline, "not reached within the deadline"


def values(records: Sequence[Record]) -> list[str]:
    return [(record.value or b"").decode() for record in records]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.integration)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = _memory() if request.param == "memory" else _kafka(request.getfixturevalue("broker"))
    with made.stack:
        yield made


def _memory() -> World:
    log = MemoryLog()
    return World(log, log.create_topic)


def _kafka(bootstrap: str) -> World:
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415 - only where a broker is used

    def make(name: str, partitions: int) -> None:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            settings = {"num_partitions": partitions, "configs": {"message.timestamp.type": "LogAppendTime"}}
            admin.create_topics({name: settings}, wait_for_metadata=True)
        finally:
            admin.close()

    return World(open_log(KafkaSettings(bootstrap=bootstrap)), make)


def test_a_member_reads_committed_records_in_order_from_the_start(world: World) -> None:
    topic = world.topic()
    world.write(topic, ["a", "b", "c"])
    records = world.member(topic).read(3)
    assert values(records) == ["a", "b", "c"]
    assert [record.offset for record in records] == [0, 1, 2]
    assert {(record.topic, record.partition, record.key) for record in records[:1]} == {(topic, 0, b"a")}
    assert abs(records[0].timestamp / 1000 - time.time()) < 60


def test_poll_returns_at_most_max_records_and_loses_none(world: World) -> None:
    topic = world.topic()
    world.write(topic, [str(number) for number in range(7)])
    member = world.member(topic)
    until(lambda: bool(member.owned) or member.consumer.poll(0.1, 1) != [])
    member.consumer.seek(TopicPartition(topic, 0), 0)
    batches: list[list[Record]] = []

    def all_read() -> bool:
        batches.append(member.consumer.poll(0.2, 3))
        return sum(map(len, batches)) == 7

    until(all_read)
    assert max(map(len, batches)) == 3
    assert values([record for batch in batches for record in batch]) == list("0123456")


def test_aborted_records_are_never_read(world: World) -> None:
    topic = world.topic()
    producer = world.producer()
    with suppress(ZeroDivisionError), producer.transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"aborted", partition=0))
        transaction.send_offsets({TopicPartition(topic, 0): 1 // 0}, world.name)
    with producer.transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"kept", partition=0))
    member = world.member(topic)
    records = member.read(1)
    assert values(records) == [
        "kept"
    ]  # whether or not what was aborted had reached the log: it leaves a hole if so
    assert member.quiet()


def test_nothing_of_an_open_transaction_is_read_nor_what_stands_behind_it(world: World) -> None:
    topic = world.topic()
    member = world.member(topic)
    with world.producer("open").transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"first", partition=0))
        until(lambda: bool(member.owned) or member.consumer.poll(0.1, 1) != [])
        world.write(topic, ["second"])
        assert member.quiet()
    assert values(member.read(2)) == ["first", "second"]


def test_two_members_share_the_partitions_and_one_takes_over_from_the_other(world: World) -> None:
    topic = world.topic(4)
    one, two = world.member(topic), world.member(topic)

    def shared() -> bool:
        polls = [threading.Thread(target=member.consumer.poll, args=(0.2, 10)) for member in (one, two)]
        for poll in polls:
            poll.start()
        for poll in polls:
            poll.join()
        return len(one.owned) == len(two.owned) == 2

    until(shared)
    assert one.owned | two.owned == {TopicPartition(topic, number) for number in range(4)}
    two.consumer.close()
    until(lambda: one.consumer.poll(0.2, 10) == [] and len(one.owned) == 4)


def test_a_member_that_keeps_alive_reads_nothing_and_hears_of_a_rebalance(world: World) -> None:
    topic = world.topic(2)
    world.write(topic, ["a", "b"])
    one = world.member(topic)
    assert values(one.read(1, max_records=1)) == ["a"]
    for _ in range(5):
        one.consumer.keep_alive()
    assert one.consumer.position(TopicPartition(topic, 0)) == 1
    two = world.member(topic)

    def shared() -> bool:
        one.consumer.keep_alive()
        polled = threading.Thread(target=two.consumer.poll, args=(0.2, 10))
        polled.start()
        while polled.is_alive():
            one.consumer.keep_alive()
        return len(one.owned) == len(two.owned) == 1

    until(shared)


def test_offsets_move_only_with_a_committed_transaction(world: World) -> None:
    topic = world.topic()
    world.write(topic, ["a", "b", "c"])
    member, producer, reader = world.member(topic), world.producer(), world.reader()
    member.read(3)
    partition = TopicPartition(topic, 0)
    with suppress(RuntimeError), producer.transaction() as transaction:
        transaction.send_offsets({partition: 3}, member.consumer)
        raise RuntimeError
    assert reader.committed(world.name, topic) == {}
    with producer.transaction() as transaction:
        transaction.send_offsets({partition: 2}, member.consumer)
    assert reader.committed(world.name, topic) == {0: 2}
    member.consumer.close()
    assert values(world.member(topic).read(1)) == ["c"]


def test_a_group_without_members_may_be_named(world: World) -> None:
    topic = world.topic(2)
    with world.producer().transaction() as transaction:
        transaction.send_offsets({TopicPartition(topic, 1): 5}, f"{world.name}-mirror")
    assert world.reader().committed(f"{world.name}-mirror", topic) == {1: 5}


def test_after_a_seek_back_records_are_read_again(world: World) -> None:
    topic = world.topic()
    world.write(topic, ["a", "b"])
    member = world.member(topic)
    member.read(2)
    partition = TopicPartition(topic, 0)
    member.consumer.seek(partition, 1)
    assert member.consumer.position(partition) == 1
    assert values(member.read(1)) == ["b"]
    world.write(topic, ["d"])
    assert values(member.read(1)) == ["d"]


def test_a_paused_partition_is_not_read_until_a_seek_while_others_are(world: World) -> None:
    topic = world.topic(2)
    member = world.member(topic)
    until(lambda: member.consumer.poll(0.1, 1) == [] and len(member.owned) == 2)
    paused, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    member.consumer.seek(paused, 0)
    member.consumer.pause(paused)
    world.write(topic, ["a", "b"], partition=0)
    world.write(topic, ["c"], partition=1)
    assert values(member.read(1)) == ["c"]
    assert member.quiet()
    assert member.consumer.position(paused) == 0
    member.consumer.seek(paused, 1)
    assert values(member.read(1)) == ["b"]
    world.write(topic, ["d"], partition=0)
    world.write(topic, ["e"], partition=1)
    assert sorted(values(member.read(2))) == ["d", "e"]
    with pytest.raises(TransientError):
        member.consumer.pause(TopicPartition(world.topic(1), 0))
    assert member.consumer.position(other) >= 3


def test_a_pause_ends_with_a_rebalance(world: World) -> None:
    topic = world.topic(2)
    first = world.member(topic)
    until(lambda: first.consumer.poll(0.1, 1) == [] and len(first.owned) == 2)
    for number in range(2):
        first.consumer.pause(TopicPartition(topic, number))
    second = world.member(topic)

    def shared() -> bool:
        for member in (first, second):
            member.consumer.poll(0.05, 1)
        return len(first.owned) == len(second.owned) == 1

    until(shared)
    second.consumer.close()
    until(lambda: first.consumer.poll(0.1, 1) == [] and len(first.owned) == 2)
    world.write(topic, ["a"], partition=0)
    world.write(topic, ["b"], partition=1)
    assert sorted(values(first.read(2))) == ["a", "b"]


def test_a_partition_of_somebody_else_has_no_position_and_no_seek(world: World) -> None:
    topic = world.topic(1)
    member = world.member(topic)
    until(lambda: member.consumer.poll(0.1, 1) != [] or bool(member.owned))
    foreign = TopicPartition(world.topic(1), 0)
    with pytest.raises(TransientError):
        member.consumer.seek(foreign, 0)
    with pytest.raises(TransientError):
        member.consumer.position(foreign)
    member.consumer.seek(TopicPartition(topic, 0), 0)


def test_a_callback_may_look_at_positions_and_seek(world: World) -> None:
    topic = world.topic()
    world.write(topic, ["a", "b", "c"])
    member = world.member(topic)
    member.seek_on_assignment = 2
    assert values(member.read(1)) == ["c"]


def test_an_older_producer_of_the_same_id_is_fenced_and_writes_nothing(world: World) -> None:
    topic = world.topic()
    old = world.producer("same")
    with old.transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"before", partition=0))
    new = world.producer("same")
    for _ in range(2):  # it does not come back to life by trying again
        with pytest.raises(FreshlineError), old.transaction() as transaction:
            transaction.send(Outgoing(topic=topic, key=b"k", value=b"stale", partition=0))
    with new.transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"after", partition=0))
    assert values(world.member(topic).read(2)) == ["before", "after"]


def test_the_first_failure_of_a_fenced_producer_says_fenced(world: World) -> None:
    topic = world.topic()
    old = world.producer("same")
    with old.transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"before", partition=0))
    world.producer("same")
    with pytest.raises(Fenced), old.transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"stale", partition=0))


def test_a_transaction_left_open_is_resolved_when_its_id_is_taken_over(world: World) -> None:
    topic = world.topic()
    old = world.producer("same")
    opened = old.transaction()
    transaction = opened.__enter__()
    transaction.send(Outgoing(topic=topic, key=b"k", value=b"left open", partition=0))
    transaction.send_offsets({TopicPartition(topic, 0): 9}, f"{world.name}-mirror")
    with world.producer("same").transaction() as later:
        later.send(Outgoing(topic=topic, key=b"k", value=b"next", partition=0))
    assert world.reader().committed(f"{world.name}-mirror", topic) == {}
    assert values(world.member(topic).read(1)) == ["next"]
    with pytest.raises(Fenced):
        opened.__exit__(None, None, None)


def test_a_member_that_left_cannot_commit(world: World) -> None:
    topic = world.topic()
    world.write(topic, ["a"])
    member, producer = world.member(topic), world.producer()
    member.read(1)
    member.consumer.close()
    with pytest.raises(Fenced), producer.transaction() as transaction:
        transaction.send_offsets({TopicPartition(topic, 0): 1}, member.consumer)
    assert world.reader().committed(world.name, topic) == {}


def test_a_static_member_is_fenced_by_its_successor(world: World) -> None:
    topic = world.topic()
    world.write(topic, ["a"])
    old, producer = world.member(topic, "instance-1"), world.producer()
    assert values(old.read(1)) == ["a"]
    new = world.member(topic, "instance-1")
    assert values(new.read(1)) == ["a"]
    with pytest.raises(Fenced), producer.transaction() as transaction:
        transaction.send_offsets({TopicPartition(topic, 0): 1}, old.consumer)
    with pytest.raises(Fenced):
        until(lambda: old.consumer.poll(0.2, 10) != [])
    assert new.quiet()


def test_a_new_owner_waits_for_offsets_in_doubt(world: World) -> None:
    topic = world.topic()
    world.write(topic, ["a", "b"])
    first, producer = world.member(topic), world.producer()
    first.read(2)
    second_read: list[Record] = []

    def take_over() -> None:
        second_read.extend(world.member(topic).read(1))

    with producer.transaction() as transaction:
        transaction.send_offsets({TopicPartition(topic, 0): 1}, first.consumer)
        first.consumer.close()
        thread = threading.Thread(target=take_over)
        thread.start()
        thread.join(1.0)
        assert thread.is_alive()  # it must not begin at an offset that may be superseded
        assert second_read == []
    thread.join(DEADLINE)
    assert values(second_read) == ["b"]


def test_committed_waits_for_a_transaction_in_doubt(world: World) -> None:
    topic = world.topic()
    reader = world.reader()
    found: list[dict[int, int]] = []
    with world.producer().transaction() as transaction:
        transaction.send_offsets({TopicPartition(topic, 0): 4}, f"{world.name}-mirror")
        thread = threading.Thread(
            target=lambda: found.append(reader.committed(f"{world.name}-mirror", topic))
        )
        thread.start()
        thread.join(1.0)
        assert found == []
    thread.join(DEADLINE)
    assert found == [{0: 4}]


def test_bounds_and_partitions(world: World) -> None:
    topic, reader = world.topic(2), world.reader()
    world.write(topic, ["a", "b"], partition=1)
    assert reader.partitions(topic) == [0, 1]
    assert reader.partitions(f"{topic}-unknown") == []
    assert reader.bounds(topic) == {0: (0, 0), 1: (0, 3)}  # two records and the commit's marker


def test_bounds_end_before_an_open_transaction(world: World) -> None:
    topic, reader = world.topic(), world.reader()
    world.write(topic, ["a"])
    with world.producer("open").transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"open", partition=0))
        transaction.send_offsets({TopicPartition(topic, 0): 1}, f"{world.name}-mirror")  # waits for its turn
        assert reader.bounds(topic) == {0: (0, 2)}


def test_offsets_by_time_are_those_of_the_first_record_that_is_not_older(world: World) -> None:
    topic, reader = world.topic(2), world.reader()
    world.write(topic, ["a"])
    time.sleep(0.1)
    world.write(topic, ["b"])  # offset 1 is the marker of the first transaction, 3 that of the second
    first, second = (record.timestamp for record in reader.read_back(TopicPartition(topic, 0), 0))
    assert second > first + 50
    assert reader.offsets_at(topic, 0) == reader.offsets_at(topic, first) == {0: 0, 1: 0}
    assert 1 <= reader.offsets_at(topic, first + 1)[0] <= 2  # a marker has a time, too
    assert reader.offsets_at(topic, second) == {0: 2, 1: 0}
    assert reader.offsets_at(topic, second + 3_600_000) == {0: 4, 1: 0}
    assert reader.offsets_at(f"{topic}-unknown", 0) == {}


def test_offsets_by_time_end_before_an_open_transaction(world: World) -> None:
    topic, reader = world.topic(), world.reader()
    world.write(topic, ["a"])
    now = round(time.time() * 1000)
    with world.producer("open").transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"open", partition=0))
        transaction.send_offsets({TopicPartition(topic, 0): 1}, f"{world.name}-mirror")  # waits for its turn
        assert reader.offsets_at(topic, now - 3_600_000) == {0: 0}
        assert reader.offsets_at(topic, now + 3_600_000) == {0: 2}


def test_read_back_gives_the_past_up_to_now(world: World) -> None:
    topic, reader = world.topic(), world.reader()
    partition = TopicPartition(topic, 0)
    world.write(topic, ["a", "b"])
    assert values(list(reader.read_back(partition, 0))) == ["a", "b"]
    hour = 3_600_000
    now = round(time.time() * 1000)
    assert values(list(reader.read_back(partition, now - hour))) == ["a", "b"]
    assert list(reader.read_back(partition, now + hour)) == []
    assert list(reader.read_back(TopicPartition(world.topic(), 0), 0)) == []


def test_read_back_waits_for_a_transaction_in_doubt(world: World) -> None:
    topic, reader = world.topic(), world.reader()
    partition = TopicPartition(topic, 0)
    world.write(topic, ["before"])
    producer, found = world.producer("open"), list[Record]()
    thread = threading.Thread(target=lambda: found.extend(reader.read_back(partition, 0)))
    with producer.transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"in doubt", partition=0))
        transaction.send_offsets({partition: 1}, f"{world.name}-mirror")  # waits until the record is there
        thread.start()
        thread.join(2.0)
        assert thread.is_alive()  # an answer whose marker has not arrived is one that may have been given
    thread.join(DEADLINE)
    assert values(found) == ["before", "in doubt"]


def test_read_at_gives_the_records_at_these_offsets_and_leaves_out_what_is_not_there(world: World) -> None:
    topic, reader = world.topic(), world.reader()
    partition = TopicPartition(topic, 0)
    world.write(topic, ["a", "b"])  # offset 2 is the commit's marker
    world.write(topic, ["c"])
    with suppress(ZeroDivisionError), world.producer("other").transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"aborted", partition=0))
        transaction.send_offsets({partition: 1}, f"{world.name}-mirror")  # waits until the record is there
        raise ZeroDivisionError
    assert values(list(reader.read_at(partition, [3, 0, 1]))) == ["c", "a", "b"]
    assert list(reader.read_at(partition, [2, 4, 5, 6, 99])) == []
    assert list(reader.read_at(TopicPartition(f"{topic}-unknown", 0), [0])) == []


def test_reading_on_passes_markers_and_aborted_records_and_goes_on_where_it_is_told(world: World) -> None:
    topic, reader = world.topic(2), world.reader()
    zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)
    assert reader.read_on({zero: 0, one: 0}, 0.2, 10) == ([], {zero: 0, one: 0})
    world.write(topic, ["a", "b"])  # offset 2 is the marker
    with suppress(ZeroDivisionError), world.producer("other").transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"aborted", partition=0))
        transaction.send_offsets({zero: 1}, f"{world.name}-mirror")  # waits until the record is there
        raise ZeroDivisionError
    world.write(topic, ["x"], partition=1)
    found, at = list[Record](), {zero: 0, one: 0}

    def reached_the_end() -> bool:
        nonlocal at
        records, at = reader.read_on(at, 0.2, 1)
        assert len(records) <= 1
        found.extend(records)
        return at == {zero: 5, one: 2}

    until(reached_the_end)
    assert values([record for record in found if record.partition == 0]) == ["a", "b"]
    assert values([record for record in found if record.partition == 1]) == ["x"]
    again, _ = reader.read_on({zero: 1}, DEADLINE, 10)
    assert values(again) == ["b"]


def test_reading_on_from_an_offset_that_is_not_there_is_no_silence(world: World) -> None:
    topic, reader = world.topic(), world.reader()
    world.write(topic, ["a"])
    partition = TopicPartition(topic, 0)

    def refused() -> bool:
        try:
            reader.read_on({partition: 99}, 0.5, 10)
        except TransientError:
            return True
        return False

    until(refused)
    assert values(reader.read_on({partition: 0}, DEADLINE, 10)[0]) == ["a"]


def test_headers_come_back_as_they_were(world: World) -> None:
    topic, headers = world.topic(), (("trace", b"\xff"), ("trace", b""), ("", b""))
    with world.producer().transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"v", partition=0, headers=headers))
        transaction.send(Outgoing(topic=topic, key=b"k", value=b"v", partition=0))
    assert [record.headers for record in world.member(topic).read(2)] == [headers, ()]


def test_several_read_backs_at_once_do_not_disturb_each_other(world: World) -> None:
    topic, reader = world.topic(2), world.reader()
    world.write(topic, ["a", "b"], partition=0)
    world.write(topic, ["x", "y"], partition=1)
    pairs = zip(
        reader.read_back(TopicPartition(topic, 0), 0),
        reader.read_back(TopicPartition(topic, 1), 0),
        strict=True,
    )
    assert [values(pair) for pair in pairs] == [["a", "x"], ["b", "y"]]


def test_keys_are_spread_as_javas_client_does(world: World) -> None:
    topic = world.topic(4)
    keys = ["21", "foobar", "a-little-bit-long-string", "a-little-bit-longer-string"]
    world.write(topic, keys, partition=None)
    found = {
        (record.value or b"").decode(): record.partition
        for number in range(4)
        for record in world.reader().read_back(TopicPartition(topic, number), 0)
    }
    # murmur2 of Kafka's own UtilsTest: -973932308, -790332482, -985981536, -1486304829
    assert found == {
        key: (hashed & 0x7FFFFFFF) % 4
        for key, hashed in zip(keys, [-973932308, -790332482, -985981536, -1486304829], strict=True)
    }


def test_a_null_value_stays_null(world: World) -> None:
    topic = world.topic()
    with world.producer().transaction() as transaction:
        transaction.send(Outgoing(topic=topic, key=b"k", value=None, partition=0))
    assert [(record.key, record.value) for record in world.member(topic).read(1)] == [(b"k", None)]


def test_a_partition_that_comes_back_is_read_from_the_committed_offset(world: World) -> None:
    topic = world.topic(partitions=2)
    for partition in (0, 1):
        world.write(topic, [f"{partition}a", f"{partition}b"], partition)
    first = world.member(topic)
    first.read(4)  # and commits nothing
    second = world.member(topic)
    again: list[Record] = []

    def both() -> bool:
        again.extend(first.consumer.poll(0.1, 100) + second.consumer.poll(0.1, 100))
        return len({(record.partition, record.offset) for record in again}) == 4

    until(both)
    assert len(first.owned) == len(second.owned) == 1
