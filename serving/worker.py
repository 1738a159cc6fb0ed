"""The worker: query → response, exactly once per query_id, in turns.

    1. poll the queries (read_committed, so that a new owner waits for a transaction in doubt)
    2. on newly assigned partitions, once their position is stable, read the duplicate guard
    3. decode; drop what was answered before; refuse what cannot be answered or is past its deadline; park what
       must see offsets that the snapshot does not cover yet, or is about a past that is not loaded yet
    4. embed, retrieve and generate: those parked until now, then the new ones, as one batch on each snapshot; the
       worker stays a member meanwhile, and drops what it had read of partitions that have moved
    5. one transaction: responses, dead letters and the consumed offsets with the member's own group metadata

Step 5 of a turn runs beside step 4 of the next one: a worker with much to do does not wait for the broker, one with
little to do writes at once. Turns are written in their order; what the next turn answers of earlier questions holds the
committed offset back meanwhile.

A fault while step 5 runs leaves its outcome unknown: the worker then builds a new producer, which ends what is in
doubt, goes back to the committed offsets and reads the guard again, so that nothing is lost and nothing written twice.
When fenced it stops, for another worker owns its partitions. This module does not know Kafka, FAISS or any model.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Event
from typing import Protocol

import structlog

from freshline import metrics
from freshline.clock import Clock, utc
from freshline.errors import FreshlineError, TransientError
from freshline.retrieval.snapshot import Snapshot
from freshline.transport.port import Log, Record, TopicPartition
from serving.answering import Answerer
from serving.aside import Aside, ended
from serving.guard import Guard
from serving.intake import Asked, Refused, Unreadable, read
from serving.parking import Parking
from serving.past import PastDesk
from serving.respond import dead_letter
from serving.staleness import Floors
from serving.turn import Turn, place_of
from serving.writing import Names, Writer

_log = structlog.get_logger()

#: Longest wait of one poll, seconds: bounds how late a SIGTERM is seen.
IDLE = 0.25
#: The same while questions are parked: bounds how late they see what the tail brought. A turn costs 1.4 ms of
#: processor, so at first the least, then a tenth of the time since anything came or was answered, up to the greatest.
PARKED = (0.005, 0.05)
#: Seconds between two looks at the manifest that parked questions ask for; a hint does not wait for it.
LOOK = 0.05
#: How often a worker whose answers take long shows that it is alive, and sees a SIGTERM, seconds: the broker waits
#: some minutes (max.poll.interval.ms), other members of the group wait for this one in a rebalance.
STAY = 0.5
#: Waits between attempts to recover, seconds: doubled up to the last.
_BACKOFF = (0.1, 5.0)


class Knowledge(Protocol):
    """The newest snapshot, kept fresh elsewhere."""

    @property
    def current(self) -> Snapshot:
        """Return the snapshot to answer from. Raises UserError where there can be none."""
        ...

    def wake(self) -> None:
        """Look for a newer one soon."""
        ...


class Worker:
    """One member of the serving group."""

    def __init__(
        self,
        log: Log,
        names: Names,
        *,
        answerer: Answerer,
        knowledge: Knowledge,
        past: PastDesk,
        clock: Clock,
        window: float,
        patience: float = 1.0,
    ) -> None:
        self._names = names
        self._answerer = answerer
        self._knowledge = knowledge
        self._clock = clock
        self._patience = patience
        self._reader = log.reader()
        self._guard = Guard(
            self._reader,
            responses=names.responses,
            dead_letters=names.dead_letters,
            clock=clock,
            window=window,
        )
        self._parking = Parking(Floors(log.reader, names.documents))
        self._past = past
        self._consumer = log.group_consumer(names.group, names.instance)
        self._writer = Writer(log, names, self._consumer)
        #: the turn that is answered and not written yet
        self._answered: Turn | None = None
        self._owned: set[TopicPartition] = set()
        self._unguarded: set[TopicPartition] = set()
        #: partitions that were given up, if only for a moment, since the last records were read
        self._moved: set[TopicPartition] = set()
        self._aside = Aside("answering")
        self._stop = Event()
        self._busy_at = float("-inf")
        self._look_at = float("-inf")
        self.joined = False

    def join(self) -> None:
        """Ask for a share of the partitions; it comes with a later turn."""
        self._consumer.subscribe(
            self._names.queries, on_assigned=self._on_assigned, on_revoked=self._on_revoked
        )

    def run(self, stop: Event, max_poll: int) -> None:
        """Serve until `stop` is set. Raises Fenced, UserError."""
        self._stop = stop
        self.join()
        while not stop.is_set():
            try:
                self.turn(max_poll)
            except TransientError as fault:
                self.recover(fault, stop)
        with suppress(TransientError):  # then it is read again by the next owner
            self._write(None)

    def close(self) -> None:
        """Leave the group; what was not committed will be read again by the next owner."""
        for part in (self._consumer, self._writer, self._reader, self._parking, self._past, self._aside):
            with suppress(FreshlineError):
                part.close()

    def turn(self, max_poll: int) -> None:
        """Answer what is there to be answered, and write what the last turn answered. Raises TransientError, Fenced."""
        turn = self._read(max_poll)
        begun = self._aside.begin(turn.answer) if turn.groups else None  # step 4
        self._write(turn)  # step 5 of the last one
        if begun is not None and not ended(begun, STAY, self._stay):
            return
        turn.drop(self._moved)
        self._answered = turn if turn.touched else None
        if len(self._parking) and self._clock.monotonic() >= self._look_at:
            self._look_at = self._clock.monotonic() + LOOK
            self._knowledge.wake()

    def _read(self, max_poll: int) -> Turn:
        """Do steps 1 to 3."""
        waiting = len(self._parking) + len(self._past)
        patience = 0.0 if self._answered else self._lull() if waiting else IDLE
        records = self._consumer.poll(patience, max_poll)  # step 1
        self._moved.clear()
        self._read_guard(records)  # step 2
        touched = {place_of(record) for record in records}
        turn = Turn(self._answerer, self._knowledge.current, self._clock.now(), touched, self._patience)
        turn.released(self._parking.release(turn.snapshot.coverage, turn.now))
        for record in records:  # step 3
            self._take(record, turn)
        turn.told(self._past.release(turn.now))
        turn.ends = {place: self._consumer.position(place) for place in turn.touched}
        if turn.touched:
            self._busy_at = self._clock.monotonic()
        return turn

    def _lull(self) -> float:
        least, most = PARKED
        return min(most, max(least, (self._clock.monotonic() - self._busy_at) / 10))

    def _stay(self) -> bool:
        """Stay in the group; False = what is under way is not worth waiting for."""
        with suppress(TransientError):  # the transaction will meet it too
            self._consumer.keep_alive()
        return not self._stop.is_set()

    def _read_guard(self, records: Sequence[Record]) -> None:
        for partition in sorted(self._unguarded):
            self._consumer.position(partition)
            self._guard.cover(partition)
            self._unguarded.discard(partition)
        oldest: dict[TopicPartition, int] = {}
        for record in records:
            place = place_of(record)
            oldest[place] = min(oldest.get(place, record.timestamp), record.timestamp)
        for partition, first_ms in oldest.items():
            self._guard.cover(partition, first_ms)

    def _take(self, record: Record, turn: Turn) -> None:
        taken = read(record)
        if isinstance(taken, Unreadable):
            return self._bury(turn, record, taken.code, taken.detail)
        verdict = self._guard.verdict(record, taken.query_id, taken.sha256)
        if verdict == "repeat":
            return metrics.DUPLICATES.inc()
        if verdict == "reused":
            return self._bury(
                turn, record, "query_id_reused", "another question was asked under this query_id"
            )
        if isinstance(taken, Asked) and turn.late(taken):
            taken = Refused(record, taken.query_id, "deadline_exceeded", "the deadline passed in the queue")
        if isinstance(taken, Refused):
            turn.refuse(taken)
        elif taken.query.as_of is not None:
            found = self._past.ask(taken, turn.now)
            if found is not None:
                turn.take(taken, found)
        elif not self._parking.park(taken, turn.snapshot.coverage, turn.now):
            turn.take(taken, None)
        return None

    def _bury(self, turn: Turn, record: Record, code: str, detail: str) -> None:
        if not self._guard.buried(record):
            at = utc(self._clock.now())
            letter = dead_letter(self._names.dead_letters, record, code, detail, at)
            turn.letters.append((record, letter))

    def _write(self, following: Turn | None) -> None:
        """Do step 5 of the turn that is answered; questions of the following one are not answered yet."""
        turn = self._answered
        if turn is not None and turn.touched:
            self._writer.write(turn, {place: self._next(place, turn, following) for place in turn.touched})
        self._answered = None

    def _next(self, place: TopicPartition, turn: Turn, following: Turn | None) -> int:
        lowest = [self._parking.lowest(place), self._past.lowest(place)]
        if following is not None:
            lowest.append(following.lowest(place))
        return min([turn.ends[place], *(offset for offset in lowest if offset is not None)])

    def recover(self, fault: TransientError, stop: Event) -> None:
        """Learn what the broker holds and go on from there, however long it is away."""
        _log.warning("transaction_in_doubt", reason=str(fault))
        delay, longest = _BACKOFF
        while not stop.is_set():
            try:
                return self._go_back()
            except TransientError as again:
                _log.warning("broker_away", reason=str(again), retry_in=delay)
                stop.wait(delay)
                delay = min(2 * delay, longest)
        return None

    def _go_back(self) -> None:
        self._answered = None
        self._writer.renew()
        committed = self._reader.committed(self._names.group, self._names.queries)
        bounds = self._reader.bounds(self._names.queries)
        self._forget(self._owned)
        for place in sorted(self._owned):
            first, _ = bounds[place.partition]
            with suppress(TransientError):  # it has just gone to another member: the next poll will say so
                self._consumer.seek(place, max(first, committed.get(place.partition, first)))

    def _on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.joined = True
        self._owned.update(partitions)
        self._unguarded.update(partitions)
        _log.info("partitions_assigned", partitions=sorted(p.partition for p in partitions))

    def _on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self._owned.difference_update(partitions)
        self._unguarded.difference_update(partitions)
        self._moved.update(partitions)
        if self._answered is not None:
            self._answered.drop(frozenset(partitions))
        self._forget(partitions)

    def _forget(self, partitions: Iterable[TopicPartition]) -> None:
        for part in (self._guard, self._parking, self._past):
            part.forget(partitions)
