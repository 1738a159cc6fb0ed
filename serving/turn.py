"""One turn of the worker: its questions by the snapshot that they are answered from, and what it writes.

Each response carries the stamp of its own snapshot; a refusal that of the newest. Knows no log.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from freshline.retrieval.past import Past
from freshline.retrieval.snapshot import Snapshot
from freshline.transport.port import Outgoing, Record, TopicPartition
from schemas.messages import Response
from serving.answering import Answerer
from serving.haste import by_haste
from serving.intake import Asked, Refused


@dataclass
class Turn:
    """`now` is its time, seconds since the epoch, and `snapshot` the newest at that time."""

    answerer: Answerer
    snapshot: Snapshot
    now: float
    touched: set[TopicPartition]
    #: seconds that peers may take for questions without haste
    patience: float = 1.0
    responses: list[tuple[Record, Response]] = field(default_factory=list)
    letters: list[tuple[Record, Outgoing]] = field(default_factory=list)
    #: questions to be answered; None = from the newest
    groups: dict[Past | None, list[Asked]] = field(default_factory=dict)
    #: next offsets to read, once this turn is written and nothing waits
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    #: questions that had waited: they stand below what earlier turns have read
    waited: list[Asked] = field(default_factory=list)

    def released(self, asked: Iterable[Asked]) -> None:
        """Take in questions that have waited for offsets."""
        for one in asked:
            self._awaited(one)
            self.take(one, None)

    def told(self, outcomes: Iterable[tuple[Asked, Past | Refused]]) -> None:
        """Take in questions that have waited for a past state."""
        for one, found in outcomes:
            self._awaited(one)
            self.take(one, found)

    def take(self, asked: Asked, found: Past | Refused | None) -> None:
        """Take in a question with what it is answered from; None = the newest."""
        if isinstance(found, Refused):
            self.refuse(found)
        else:
            self.groups.setdefault(found, []).append(asked)

    def drop(self, partitions: AbstractSet[TopicPartition]) -> None:
        """Leave out what was read of partitions that have moved: who owns them now reads it again."""
        self.touched -= partitions
        self.responses = [one for one in self.responses if place_of(one[0]) not in partitions]
        self.letters = [one for one in self.letters if place_of(one[0]) not in partitions]

    def lowest(self, partition: TopicPartition) -> int | None:
        """Return the offset that the commit of an earlier turn must not pass."""
        offsets = (one.record.offset for one in self.waited if one.partition == partition)
        return min(offsets, default=None)

    def late(self, asked: Asked) -> bool:
        """Say whether a question's deadline has passed."""
        deadline = asked.query.deadline
        return deadline is not None and deadline.timestamp() <= self.now

    def refuse(self, refused: Refused) -> None:
        """Tell an asker why there is no answer."""
        self.responses.append((refused.record, self.answerer.refuse(refused, self.snapshot)))

    def answer(self) -> None:
        """Answer the questions, those of one snapshot as one batch."""
        for past, asked in self.groups.items():
            snapshot, now_ms = (past.snapshot, past.now_ms) if past else (self.snapshot, None)
            for batch in by_haste(asked, self.now, self.patience) if snapshot.absent else [asked]:
                made = self.answerer.answer(batch, snapshot, now_ms)
                self.responses += [(one.record, response) for one, response in zip(batch, made, strict=True)]

    def _awaited(self, asked: Asked) -> None:
        self.touched.add(asked.partition)
        self.waited.append(asked)


def place_of(record: Record) -> TopicPartition:
    """Return the partition that a record was read from."""
    return TopicPartition(record.topic, record.partition)
