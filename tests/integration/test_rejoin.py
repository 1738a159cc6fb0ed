"""A broker that is slow to answer a join: kafka-python alone loses the assignment, see kafka_consumer."""

from collections.abc import Awaitable
from uuid import uuid4

import pytest

from freshline.settings import KafkaSettings
from freshline.transport.kafka import open_log
from freshline.transport.kafka_consumer import KafkaGroupConsumer
from freshline.transport.port import Record, TopicPartition
from tests.support.waiting import wait_for

#: Seconds that an answer is late. The topic is learnt of while the group waits for its first assignment, which is empty
#: therefore; the second one takes longer than a poll.
LATE = {"MetadataRequest": 0.2, "SyncGroupRequest": 0.4}
POLL = 0.05


@pytest.fixture
def topic(broker: str) -> str:
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415 - only where a broker is used

    name = f"rejoin-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        admin.create_topics({name: {"num_partitions": 2}}, wait_for_metadata=True)
    finally:
        admin.close()
    return name


def answer_late(member: KafkaGroupConsumer) -> None:
    """Give the answers of a slow broker."""
    manager = member._consumer._coordinator._manager
    send = manager.send

    def late(request: object, *place: object, **options: object) -> object:
        seconds = LATE.get(type(request).__name__)
        answer = send(request, *place, **options)
        return answer if seconds is None else after(seconds, answer)

    async def after(seconds: float, answer: Awaitable[object]) -> object:
        response = await answer
        await manager._net.sleep(seconds)
        return response

    manager.send = late


@pytest.mark.integration
def test_a_join_that_takes_longer_than_a_poll_still_ends_with_partitions(broker: str, topic: str) -> None:
    member = open_log(KafkaSettings(bootstrap=broker)).group_consumer(topic)
    answer_late(member)
    owned: set[TopicPartition] = set()
    try:
        member.subscribe(topic, on_assigned=owned.update, on_revoked=owned.difference_update)

        def assigned() -> bool:
            read: list[Record] = member.poll(POLL, 1)
            return read == [] and len(owned) == 2

        wait_for(assigned, what="the assignment", within=20)
        assert member.metadata().generation_id >= 2, "the first assignment had no partitions"
    finally:
        member.close()
