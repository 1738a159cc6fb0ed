"""`freshline topics` on a real broker."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import MessageSizeTooLargeError

from freshline import topics
from freshline.settings import KafkaSettings
from schemas import topics as contracts

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(broker: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=broker, topic_prefix=f"t{uuid4().hex[:8]}.")


@pytest.fixture
def admin(broker: str) -> Iterator[Any]:
    client = KafkaAdminClient(bootstrap_servers=broker)
    yield client
    client.close()


def test_the_brokers_groups_keep_their_offsets_for_years(admin: Any) -> None:
    read = ConfigResource(ConfigResourceType.BROKER, "1")
    found = admin.describe_configs([read], config_filter="all")["broker"]["1"]["offsets.retention.minutes"][
        "value"
    ]
    assert int(found) == 5_256_000  # 10 * 365 * 24 * 60


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline, "not reached within the deadline"


def test_apply_creates_what_is_missing_and_a_second_time_does_nothing(
    settings: KafkaSettings, admin: Any
) -> None:
    planned = topics.plan(settings)
    assert {(change.action, change.topic) for change in planned} == {
        ("create", f"{settings.topic_prefix}{name}")
        for name in ("documents", "documents.dlq", "queries", "queries.dlq", "responses")
    }
    assert topics.apply(settings) == planned
    assert topics.check(settings) == []
    assert topics.apply(settings) == []
    described = admin.describe_topics([f"{settings.topic_prefix}documents"])
    assert len(described[0]["partitions"]) == 4


def test_a_changed_configuration_is_found_and_mended_without_touching_others(
    settings: KafkaSettings,
    admin: Any,
) -> None:
    topics.apply(settings)
    name = f"{settings.topic_prefix}documents"
    resource = ConfigResource(
        ConfigResourceType.TOPIC, name, {"message.timestamp.type": "CreateTime", "segment.ms": "123456"}
    )
    admin.alter_configs([resource], incremental=True)
    until(lambda: topics.check(settings) != [])
    assert topics.check(settings) == [
        topics.Difference(
            topic=name, aspect="message.timestamp.type", found="CreateTime", expected="LogAppendTime"
        )
    ]
    (change,) = topics.apply(settings)
    assert (change.action, change.configuration) == ("configure", {"message.timestamp.type": "LogAppendTime"})
    assert topics.check(settings) == []
    read = ConfigResource(ConfigResourceType.TOPIC, name)
    assert admin.describe_configs([read])["topic"][name]["segment.ms"]["value"] == "123456"


@pytest.mark.parametrize("topic", ["documents", "queries"])
def test_what_inflates_to_more_than_a_message_is_refused_by_the_broker(
    settings: KafkaSettings, topic: str
) -> None:
    topics.apply(settings)
    producer = KafkaProducer(
        bootstrap_servers=settings.bootstrap, compression_type="gzip", max_request_size=64_000_000
    )
    try:
        name, other = f"{settings.topic_prefix}{topic}", f"{settings.topic_prefix}responses"
        producer.send(other, value=bytes(20_000_000)).get(
            30
        )  # 20 kB of gzip: well below the 8 MiB of that topic
        assert producer.send(name, key=b"notes/tea", value=bytes(500_000)).get(30).offset == 0
        with pytest.raises(MessageSizeTooLargeError):
            producer.send(name, key=b"notes/tea", value=bytes(20_000_000), partition=0).get(30)
    finally:
        producer.close()


def test_responses_must_have_the_partitions_of_queries(settings: KafkaSettings, admin: Any) -> None:
    topics.apply(settings)
    admin.create_partitions({f"{settings.topic_prefix}queries": 6})
    responses = f"{settings.topic_prefix}responses"
    until(lambda: topics.check(settings) != [])  # the broker hears of it a little later
    assert topics.check(settings) == [
        topics.Difference(topic=responses, aspect="partitions", found="4", expected="at least 6")
    ]
    assert [str(change) for change in topics.apply(settings)] == [f"add partitions {responses}: partitions=6"]
    assert topics.check(settings) == []


def test_fewer_partitions_are_found_more_are_left_alone(settings: KafkaSettings, admin: Any) -> None:
    documents, letters = (f"{settings.topic_prefix}{name}" for name in ("documents", "documents.dlq"))
    configs = dict(contracts.load()["documents"].configuration)
    admin.create_topics({documents: {"num_partitions": 2, "configs": configs}}, wait_for_metadata=True)
    configs = dict(contracts.load()["documents.dlq"].configuration)
    admin.create_topics({letters: {"num_partitions": 3, "configs": configs}}, wait_for_metadata=True)
    found = {difference.topic: difference.aspect for difference in topics.check(settings)}
    assert found[documents] == "partitions"
    assert letters not in found
