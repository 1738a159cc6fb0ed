"""How much one task of a pass takes: records in order until it has `most` bytes, and where it stopped.

The rest is read to its end and dropped: Spark ends a Python worker, and with it the model, that leaves its input.
The record that reaches the bound is taken, so each task that has records takes one at least.
"""

from collections.abc import Iterable, Iterator

from freshline.coverage import Coverage
from freshline.ingest.record import RawRecord


class Budget:
    """The bytes of one task. None takes everything."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self.spent = 0
        #: {topic: {partition: offset of the first record not taken}} of the partitions that have one
        self.left: Coverage = {}

    def spend(self, size: int) -> None:
        """Count the bytes of the record that take() gave last."""
        self.spent += size

    def take(self, records: Iterable[RawRecord]) -> Iterator[RawRecord]:
        """Yield the records that are taken; note for each partition the first one that is not."""
        for record in records:
            if self._most is None or self.spent < self._most:
                yield record
            else:
                self.left.setdefault(record.topic, {}).setdefault(record.partition, record.offset)


def until(end: Coverage, left: Coverage) -> Coverage:
    """Return the end of what was taken of a batch that ends at `end`.

    Example: {"documents": {0: 9, 1: 5}}, left {"documents": {0: 4}}  ->  {"documents": {0: 4, 1: 5}}
    """
    return {topic: {**partitions, **left.get(topic, {})} for topic, partitions in end.items()}
