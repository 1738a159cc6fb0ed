"""A record as the one pass reads it, whatever it came from, and the running clock of its partition."""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

#: {topic: {partition: running maximum of broker timestamps, ms}}
Clocks = dict[str, dict[int, int]]


class RawRecord(NamedTuple):
    """One record with its position. A backfilled row has topic "backfill", its run as partition, timestamp 0."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def from_arrow(batch: pa.RecordBatch) -> Iterator[RawRecord]:
    """Yield the rows of a batch that has RawRecord's fields as columns, in order."""
    columns = [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in RawRecord._fields]
    return map(RawRecord._make, zip(*columns, strict=True))


class RunningClocks:
    """The greatest broker timestamp seen so far in each partition: never goes back (freshline.revision)."""

    def __init__(self, start: Clocks) -> None:
        self._start = start
        self.seen: Clocks = {}

    def advance(self, record: RawRecord) -> int:
        """Take in the next record of its partition and return the partition's clock at it, ms."""
        partitions = self.seen.setdefault(record.topic, {})
        before = partitions.get(record.partition)
        if before is None:
            before = self._start.get(record.topic, {}).get(record.partition, 0)
        partitions[record.partition] = clock = max(before, record.timestamp)
        return clock
