"""`freshline topics` on a real broker."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

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
