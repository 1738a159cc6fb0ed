"""The worker without transactions: at least once, as most services on Kafka are. The other side of a ratio.

What differs is the log alone: a producer that waits for the broker's acknowledgement of every response (acks=all), then
a commit of the consumed offsets. A crash between the two answers questions twice.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import kafka
from kafka.structs import OffsetAndMetadata

from freshline.config import from_environment
from freshline.settings import KafkaSettings
from freshline.transport.connection import kafka_options
from freshline.transport.kafka import KafkaLog, open_log
from freshline.transport.kafka_consumer import KafkaGroupConsumer
from freshline.transport.kafka_reader import KafkaLogReader
from freshline.transport.port import GroupConsumer, Outgoing, TopicPartition
from serving.__main__ import run

_WITHIN = 30.0  # seconds


class _Unit:
    """What is written and committed together, though not as one."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self.sent: list[Any] = []
        self.offsets: Mapping[TopicPartition, int] = {}
        self.consumer: Any = None

    def send(self, record: Outgoing) -> None:
        """Write."""
        self.sent.append(
            self._producer.send(record.topic, key=record.key, value=record.value, partition=record.partition)
        )

    def send_offsets(self, offsets: Mapping[TopicPartition, int], group: GroupConsumer | str) -> None:
        """Note what is committed afterwards."""
        assert isinstance(group, KafkaGroupConsumer)  # noqa: S101 - the worker's own
        self.offsets, self.consumer = offsets, group._consumer  # noqa: SLF001 - it commits in transactions only


class _Producer:
    def __init__(self, options: dict[str, Any]) -> None:
        self._producer = kafka.KafkaProducer(**options, acks="all", linger_ms=0)

    @contextmanager
    def transaction(self) -> Iterator[_Unit]:
        """Write, wait for all, commit the offsets."""
        unit = _Unit(self._producer)
        yield unit
        self._producer.flush(timeout=_WITHIN)
        for future in unit.sent:
            future.get(timeout=0)
        unit.consumer.commit(
            {
                kafka.TopicPartition(*partition): OffsetAndMetadata(offset, "", -1)
                for partition, offset in unit.offsets.items()
            }
        )

    def close(self) -> None:
        """End."""
        self._producer.close(timeout=_WITHIN)


class PlainLog:
    """A cluster as a Log whose transactions are none."""

    def __init__(self, log: KafkaLog, options: dict[str, Any]) -> None:
        self._log = log
        self._options = options

    def group_consumer(self, group: str, instance: str | None = None) -> KafkaGroupConsumer:
        """As KafkaLog."""
        return self._log.group_consumer(group, instance)

    def transactional_producer(self, transactional_id: str) -> _Producer:  # noqa: ARG002 - it has none
        """Return a producer without an id."""
        return _Producer(self._options)

    def reader(self) -> KafkaLogReader:
        """As KafkaLog."""
        return self._log.reader()


def connect(settings: KafkaSettings) -> PlainLog:
    """Return the cluster that the settings name."""
    return PlainLog(open_log(settings), kafka_options(settings))


if __name__ == "__main__":
    run(from_environment(sys.argv[1:]), connect)
