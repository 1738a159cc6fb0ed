"""Reading a dead-letter topic, up to its end as it is now, committed letters only.

Knows nothing of what became of the records.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from freshline.dead_letters.place import Place
from freshline.errors import MissingPart
from freshline.transport.port import LogReader, Record, TopicPartition
from schemas.codec import decode_dead_letter
from schemas.messages import DeadLetter
from schemas.reject import Rejected

#: Called with the number of records read so far.
Progress = Callable[[int], None]
_EVERY = 500


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter; `key` is the refused record's, None where it had none or a huge one."""

    key: bytes | None
    told: DeadLetter

    @property
    def place(self) -> Place:
        """Return where the refused record stands."""
        return Place(self.told.topic, self.told.partition, self.told.offset)


def letters(reader: LogReader, dlq: str, since_ms: int, progress: Progress) -> Iterator[Letter]:
    """Yield the letters of a topic since a time (epoch, ms), by partition and offset.

    A record that is no letter is passed over: others may write there. Raises MissingPart where there is no topic.
    """
    numbers = reader.partitions(dlq)
    if not numbers:
        raise MissingPart(
            f"the broker has no topic {dlq!r}; create the topics with: freshline topics apply, or check "
            "kafka.topic_prefix"
        )
    for record in counted(reader, [TopicPartition(dlq, number) for number in numbers], since_ms, progress):
        try:
            yield Letter(record.key, decode_dead_letter(record.value))
        except Rejected:
            continue


def counted(
    reader: LogReader, partitions: list[TopicPartition], since_ms: int, progress: Progress
) -> Iterator[Record]:
    """Yield the records of these partitions since a time, telling how many were read."""
    number = 0
    for partition in partitions:
        for record in reader.read_back(partition, since_ms):
            yield record
            number += 1
            if number % _EVERY == 0:
                progress(number)
    progress(number)


def distinct(found: Iterator[Letter]) -> list[Letter]:
    """Return one letter for each refused record, the last one, oldest first.

    A letter may be sent twice where the broker has forgotten the stream's group (docs/operations.md).
    """
    by_place = {letter.place: letter for letter in found}
    return sorted(by_place.values(), key=lambda letter: (letter.told.rejected_at, letter.place))
