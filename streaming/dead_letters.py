"""Step 4: the batch's rejects and its end offsets in one Kafka transaction.

The group's offsets say whether it was done: they are written in the same transaction, so each reject lands in
`documents.dlq` exactly once (KIP-98). The group has no members; it also shows the stream's lag to Kafka's own tools.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from freshline.coverage import Coverage, covers
from freshline.index.entries import Files
from freshline.lake.storage import Storage
from freshline.refusal import letter_key
from freshline.transport.port import Log, Outgoing, TopicPartition, TransactionalProducer
from schemas.codec import encode
from schemas.messages import DeadLetter


class KafkaDeadLetters:
    """The stream's dead letters over a log. One object for each start: opening it ends an earlier driver's."""

    def __init__(self, log: Log, storage: Storage, *, group: str, topic: str, dlq: str) -> None:
        self._storage = storage
        self._group = group
        self._dlq = dlq
        self._producer: TransactionalProducer = log.transactional_producer(f"{group}-dead-letters")
        reader = log.reader()
        try:
            self._done: Coverage = {topic: reader.committed(group, topic)}
        finally:
            reader.close()

    def deliver(self, files: Files, end: Coverage) -> None:
        """Write the rejects named by `files` and the offsets `end`, unless the group is already there."""
        if covers(self._done, end):
            return
        offsets = {
            TopicPartition(topic, partition): offset
            for topic, partitions in end.items()
            for partition, offset in partitions.items()
        }
        with self._producer.transaction() as transaction:
            for letter in self._letters(files):
                transaction.send(letter)
            transaction.send_offsets(offsets, self._group)
        self._done = end

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()

    def _letters(self, files: Files) -> Iterator[Outgoing]:
        for file in files.files:
            if file.table != "rejects":
                continue
            content = self._storage.read(f"tables/{file.table}/{file.path}")
            for row in pq.read_table(pa.BufferReader(content)).to_pylist():
                key = row.pop("key")
                letter = DeadLetter(schema_version=1, **row)
                yield Outgoing(topic=self._dlq, key=letter_key(key), value=encode(letter))
