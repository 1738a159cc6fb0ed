"""Step 5: the batch's rejects and its end offsets in one Kafka transaction.

The group's offsets say whether it was done: they are written in the same transaction, so each reject lands in
`documents.dlq` exactly once (KIP-98). The group has no members; it also shows the stream's lag to Kafka's own tools.
A broker forgets a group's offsets: with a topic that is deleted, or after a time without members. So the first
delivery of a start also looks which of its letters are there already.
"""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from freshline.coverage import Coverage
from freshline.index.entries import Files
from freshline.lake.storage import Storage
from freshline.refusal import letter_key
from freshline.transport.port import Log, LogReader, Outgoing, TopicPartition, TransactionalProducer
from schemas.codec import decode_dead_letter, encode
from schemas.messages import DeadLetter
from schemas.reject import Rejected

#: How far the clocks of an executor, which stamps a reject, and of the broker may be apart, ms.
_SKEW_MS = 3600 * 1000

#: Topic, partition, offset and rejected_at: the time tells a topic's letter from that of one created anew.
Position = tuple[str, int, int, datetime]


class KafkaDeadLetters:
    """The stream's dead letters over a log. One object for each start: opening it ends an earlier driver's."""

    def __init__(self, log: Log, storage: Storage, *, group: str, topic: str, dlq: str) -> None:
        self._storage = storage
        self._group = group
        self._log = log
        self._topic = topic
        self._dlq = dlq
        self._first = True
        self._producer: TransactionalProducer = log.transactional_producer(f"{group}-dead-letters")
        reader = log.reader()
        try:
            self._done = _positive(reader.committed(group, topic))
        finally:
            reader.close()

    def deliver(self, files: Files, end: Coverage) -> None:
        """Write the rejects of these files and the end offsets, unless the group is already at exactly these.

        Without offsets (`end` empty: they are of a topic that is gone) write the rejects that are not there yet.
        """
        mine = end.get(self._topic, {})
        first, self._first = self._first, False
        if mine and _positive(mine) == self._done:
            return
        letters = list(self._letters(files))
        if first and letters:
            there = self._there(min(letter.rejected_at.timestamp() for letter, _ in letters))
            letters = [(letter, record) for letter, record in letters if _position(letter) not in there]
        if not (letters or mine):
            return
        with self._producer.transaction() as transaction:
            for _, record in letters:
                transaction.send(record)
            if mine:
                offsets = {TopicPartition(self._topic, number): offset for number, offset in mine.items()}
                transaction.send_offsets(offsets, self._group)
        if mine:
            self._done = _positive(mine)

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()

    def _there(self, since: float) -> set[Position]:
        """Return the letters of a time (seconds) and later, as their positions."""
        reader = self._log.reader()
        try:
            return set(_read(reader, self._dlq, int(since * 1000) - _SKEW_MS))
        finally:
            reader.close()

    def _letters(self, files: Files) -> Iterator[tuple[DeadLetter, Outgoing]]:
        for file in files.files:
            if file.table != "rejects":
                continue
            content = self._storage.read(f"tables/{file.table}/{file.path}")
            for row in pq.read_table(pa.BufferReader(content)).to_pylist():
                key = row.pop("key")
                letter = DeadLetter(schema_version=1, **row)
                yield letter, Outgoing(topic=self._dlq, key=letter_key(key), value=encode(letter))


def _read(reader: LogReader, dlq: str, since_ms: int) -> Iterator[Position]:
    for number in reader.partitions(dlq):
        for record in reader.read_back(TopicPartition(dlq, number), since_ms):
            try:
                yield _position(decode_dead_letter(record.value))
            except Rejected:  # somebody else's record
                continue


def _position(letter: DeadLetter) -> Position:
    return letter.topic, letter.partition, letter.offset, letter.rejected_at


def _positive(offsets: dict[int, int]) -> dict[int, int]:
    """Leave out what says nothing: a broker that has no offset of a partition means 0."""
    return {partition: offset for partition, offset in offsets.items() if offset}
