"""How many tasks a micro-batch gets: one for a small batch, spark.tasks when there is much to do.

The offsets of a batch tell its records before it is read, not their bytes: those are taken to be like the last batch's.
An estimate that is wrong costs time, never records. Knows no data frame.

    a record has 1,000 bytes      1 record     12 records    13 records    200 records
    tasks, of 2 at most           1            1             2             2
"""

import math

from freshline.coverage import Coverage
from freshline.ingest.result import PassResult

#: What is worth a second task: about 12 chunks of 1,000 characters, a tenth of a second of embedding. Another task
#: writes files and segments of its own for every shard, which all later searches and compactions see too.
BYTES_A_TASK = 12 * 2**10
#: Until a batch has told: a page of text.
_FIRST_GUESS = 4096


class TaskCount:
    """The choice over the batches of one stream; `most` is spark.tasks."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._record_bytes = float(_FIRST_GUESS)

    def choose(self, start: Coverage, end: Coverage) -> int:
        """Return how many tasks read from `start` to `end`; holes in the offsets count as records."""
        records = sum(
            offset - start.get(topic, {}).get(partition, 0)
            for topic, partitions in end.items()
            for partition, offset in partitions.items()
        )
        return max(1, min(self._most, math.ceil(records * self._record_bytes / BYTES_A_TASK)))

    def learn(self, result: PassResult) -> None:
        """Take in what a batch has read."""
        if records := result.accepted + result.rejected:
            self._record_bytes = result.bytes / records
