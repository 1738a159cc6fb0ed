"""Publishing refused records again, each at most once, whoever else replays at the same time.

    1  own       the transactional id <group prefix>-replay is taken: another replay under way is fenced
    2  judge     each letter: is its record still there and the same, may it come back, was it already published again
    3  publish   what is ready, as it was (key, value, headers, partition), in Kafka transactions; only a header's
                 null value comes back empty, since kafka-python writes no null there

What an earlier replay committed is seen in 2, what it had not committed by 1 it never will: so none is published
twice. There is no other memory; the topic itself is it (docs/decisions/0005-replay-of-dead-letters.md).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from freshline.clock import Clock
from freshline.dead_letters.candidate import (
    NEVER,
    Candidate,
    Judged,
    Kind,
    Verdict,
    candidate,
    original_or_why_not,
    own_key,
)
from freshline.dead_letters.later import judge
from freshline.dead_letters.letters import Letter, Progress
from freshline.errors import UserError
from freshline.transport.port import Log, LogReader, Outgoing, Record, TransactionalProducer

#: One transaction: the broker gives it 15 s, and its records are held in memory. Records, bytes.
_RECORDS = 500
_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What is to be replayed to `topic`, the cluster's name. `fixed` replaces the value of the one letter named."""

    kind: Kind
    topic: str
    owner: str
    clock: Clock
    force: bool = False
    fixed: bytes | None = None

    def judge(self, log: Log, letters: Sequence[Letter], progress: Progress) -> list[Judged]:
        """Return the verdict on each letter, in their order; nothing is written."""
        if self.fixed is not None and len(letters) != 1:
            raise UserError(f"--file replaces the value of one record, but {len(letters)} are named")
        with closing(log.reader()) as reader:
            found: dict[Letter, Judged | Candidate] = {
                one: Judged(letter=one, verdict=Verdict.FOREIGN, why=f"expected a record of {self.topic}")
                for one in letters
                if one.told.topic != self.topic
            }
            ours = [one for one in letters if one not in found]
            found |= {letter: self._first(letter, record) for letter, record in originals(reader, ours)}
            ready = [one for one in found.values() if isinstance(one, Candidate)]
            found |= {one.letter: one for one in judge(reader, self.kind, self.topic, ready, progress)}
        return [one for one in map(found.__getitem__, letters) if isinstance(one, Judged)]

    def publish(
        self, log: Log, letters: Sequence[Letter], progress: Progress, done: Callable[[int], None]
    ) -> list[Judged]:
        """Judge once more as the one owner, publish what may be, and return the verdicts that this was based on.

        `done` is told the number of records committed so far. Raises Fenced where another replay began meanwhile.
        """
        with closing(log.transactional_producer(self.owner)) as producer:  # 1
            judged = self.judge(log, letters, progress)  # 2
            self._publish(log, producer, [one.letter for one in judged if self.allows(one)], done)  # 3
        return judged

    def allows(self, judged: Judged) -> bool:
        """Whether its record is published."""
        return judged.verdict is Verdict.READY or (self.force and judged.verdict not in NEVER)

    def _first(self, letter: Letter, record: Record | None) -> Judged | Candidate:
        wrong = original_or_why_not(letter, record)
        if wrong is not None or record is None:
            return wrong or Judged(letter=letter, verdict=Verdict.GONE)
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        return candidate(self.kind, letter, record, now, self.fixed)

    def _publish(
        self,
        log: Log,
        producer: TransactionalProducer,
        letters: Sequence[Letter],
        done: Callable[[int], None],
    ) -> None:
        number = 0
        with closing(log.reader()) as reader:
            for some in _portions(originals(reader, letters)):
                with producer.transaction() as transaction:
                    for record in some:
                        transaction.send(self._outgoing(record))
                number += len(some)
                done(number)

    def _outgoing(self, record: Record) -> Outgoing:
        key = record.key if self.fixed is None else own_key(self.kind, self.fixed)
        keeps_place = key == record.key or self.kind == "queries"  # who asked reads that partition number
        return Outgoing(
            topic=record.topic,
            key=key,
            value=record.value if self.fixed is None else self.fixed,
            partition=record.partition if keeps_place else None,
            headers=tuple((name, value or b"") for name, value in record.headers),
        )


def originals(reader: LogReader, letters: Iterable[Letter]) -> Iterator[tuple[Letter, Record | None]]:
    """Yield each letter with the record at its place, None where it is gone, by partition and offset."""
    ordered = sorted(letters, key=lambda letter: letter.place)
    for log, group in groupby(ordered, key=lambda letter: letter.place.log):
        wanted = list(group)
        records = iter(reader.read_at(log, [letter.place.offset for letter in wanted]))
        record = next(records, None)
        for letter in wanted:
            if record is not None and record.offset == letter.place.offset:
                yield letter, record
                record = next(records, None)
            else:
                yield letter, None


def _portions(found: Iterable[tuple[Letter, Record | None]]) -> Iterator[list[Record]]:
    portion: list[Record] = []
    held = 0
    for _, record in found:
        if record is None:  # gone since it was judged
            continue
        portion.append(record)
        held += len(record.value or b"")
        if len(portion) == _RECORDS or held >= _BYTES:
            yield portion
            portion, held = [], 0
    if portion:
        yield portion
