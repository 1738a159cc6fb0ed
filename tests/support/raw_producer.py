"""Writes records that kafka-python's own send() refuses: null header values, header names of any bytes, no key and no
value. Other clients write them.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import kafka


class RawName(str):
    """A header's name of any bytes, given as Latin-1."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        del encoding, errors
        return super().encode("latin-1")


class _Headers(list[tuple[str, bytes | None]]):
    """Headers that kafka-python writes, but does not add up: it stops at a null value there."""

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class Raw:
    """One record."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def write_raw(
    broker: str, topic: str, records: Sequence[Raw], *, partition: int = 0, compression: str | None = None
) -> list[int]:
    """Append to one partition, in this order; return the offsets."""
    where = kafka.TopicPartition(topic, partition)
    with closing(kafka.KafkaProducer(bootstrap_servers=broker, compression_type=compression)) as producer:
        assert partition in producer.partitions_for(topic)
        futures: list[Any] = []
        for record in records:
            appended = producer._accumulator.append(
                where, None, record.key, record.value, _Headers(record.headers)
            )
            futures.append(appended[0])
            producer._sender.wakeup()
        producer.flush(30)
        return [future.get(10).offset for future in futures]
