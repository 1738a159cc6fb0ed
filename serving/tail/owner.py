"""The owner of partitions of `documents`: what the manifest does not cover yet, read at once and handed to the workers.

    1. look at the manifest every `refresh` seconds, and at once when woken: coverage that has advanced makes entries
       durable, whose part of the stream is trimmed; a partition that is behind it begins again at it
    2. begin with each partition that has come to this member or may go on after standing aside: at the coverage with
       its clock, or behind what the stream already holds on from there; then seek
    3. poll: a few records, none of partitions that stand aside
    4. leave partitions with too great a backlog to the stream
    5. of each partition make an entry of what was read, up to the consumer's position, so that markers are covered
    6. append it, unless the topic is found to be another by now; go on behind it. An entry that nobody could take is
       made again later, unless it turns out to be there
    7. stand aside before a document that the stream has to decide, or where too much is not durable

Nothing durable depends on it, and no offset is committed: whatever fails, it begins again at step 2. An entry that
comes twice says the same, since its content follows from the log alone. This module knows no Kafka, Redis or model.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

import structlog

from freshline import metrics
from freshline.cache.port import TailStreams
from freshline.clock import Clock
from freshline.errors import FreshlineError, IntegrityError, TransientError
from freshline.failpoints import reach
from freshline.index.state import known_to_differ
from freshline.lexical.languages import Languages
from freshline.transport.kafka_identity import Identities
from freshline.transport.port import Log, Record, TopicPartition
from serving.tail.chain import reach_of
from serving.tail.entry import Entry, Made, Range, encode_entry
from serving.tail.ground import Ground, Grounds
from serving.tail.making import Maker
from serving.tail.partition import BEGINNINGS, Budget, Partition, Reason, Written

_log = structlog.get_logger()

#: Longest wait of one poll, seconds: bounds how late a SIGTERM, a hint and a due look are seen.
_IDLE = 0.05
#: Records of one poll at most: what is read is worked on before the next look.
_AT_ONCE = 32
#: Longest work on what one poll gave, seconds; what is left is read again. The others of the group wait in a rebalance.
_TURN = 1.0
#: Between looks at the topic's ends, seconds: while polls come back full, and while anything is read or waited for.
_OFTEN, _SELDOM = 0.25, 1.0
#: Waits between attempts where broker or lake are away, seconds: doubled up to the last.
_BACKOFF = (0.1, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The topic and what reads it."""

    log: Log
    topic: str
    group: str
    identities: Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an owner is bounded by; languages are those of lexical analysis."""

    #: records behind the topic's end
    backlog: int
    budget: Budget
    #: seconds between looks at the manifest
    refresh: float
    languages: Languages


class Owner:
    """One member of the tail's group. `fault` says why it does not work at the moment, None while it does."""

    def __init__(  # noqa: PLR0917 - ports and one settings object
        self,
        source: Source,
        grounds: Grounds,
        maker: Maker,
        open_streams: Callable[[int], TailStreams],
        clock: Clock,
        policy: Policy,
    ) -> None:
        self._source = source
        self._grounds = grounds
        self._maker = maker
        self._open_streams = open_streams
        self._clock = clock
        self._policy = policy
        self._at_once = max(1, min(_AT_ONCE, policy.backlog))
        self._consumer = source.log.group_consumer(source.group)
        self._reader = source.log.reader()
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="topic-id")
        self._parts: dict[TopicPartition, Partition] = {}
        self._streams: TailStreams | None = None
        self._ground: Ground | None = None
        self._ends: Mapping[int, tuple[int, int]] = {}
        self._ends_at = self._due = float("-inf")
        self._woken = Event()
        self.fault: str | None = "has not looked yet"

    def join(self) -> None:
        """Ask for a share of the partitions; it comes with a later turn."""
        self._consumer.subscribe(
            self._source.topic, on_assigned=self._on_assigned, on_revoked=self._on_revoked
        )

    def wake(self) -> None:
        """Look at the manifest soon; any thread may say so."""
        self._woken.set()

    def run(self, stop: Event) -> None:
        """Own until `stop` is set. Raises Fenced, UserError."""
        self.join()
        delay, longest = _BACKOFF
        while not stop.is_set():
            try:
                self.turn()
                delay = _BACKOFF[0]
            except (TransientError, IntegrityError, OSError) as fault:
                self.fault = str(fault)
                _log.warning("tail_waits", reason=self.fault, retry_in=delay)
                self.begin_again()
                stop.wait(delay)
                delay = min(2 * delay, longest)

    def close(self) -> None:
        """Leave the group; what is in the streams stays for the next owner."""
        self._asking.shutdown(wait=False, cancel_futures=True)
        for part in (self._consumer, self._reader, self._streams):
            with suppress(FreshlineError):
                if part is not None:
                    part.close()

    def turn(self) -> None:
        """Do steps 1 to 7 once. Raises TransientError, IntegrityError, OSError, Fenced, UserError."""
        self._look()  # 1
        self._begin()  # 2
        self.fault = None
        records = self._consumer.poll(_IDLE, self._at_once)  # 3
        self._leave_backlog(len(records))  # 4
        self._advance(records)
        self._show()

    def begin_again(self) -> None:
        """Forget where every partition is: what is in the streams and in the manifest says it."""
        self._due = self._ends_at = float("-inf")
        for part in self._parts.values():
            self._stand_aside(part, "fault")

    @property
    def standing(self) -> dict[int, Reason | None]:
        """Return why each partition stands aside, None where it is read."""
        return {place.partition: part.aside for place, part in sorted(self._parts.items())}

    def _look(self) -> None:
        """Do step 1."""
        if self._clock.monotonic() < self._due and not self._woken.is_set():
            return
        self._woken.clear()
        ground, before = self._grounds.look(), self._ground
        self._due = self._clock.monotonic() + (self._policy.refresh if ground else _SELDOM)
        if ground is before:
            return
        if ground is None or before is None or not ground.carries(before):
            self._stand_on(ground)
        self._ground = ground
        for part in self._parts.values():
            self._settle(part)

    def _stand_on(self, ground: Ground | None) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams.close()
        if ground is not None:
            self._streams = self._open_streams(ground.generation.generation)
        for part in self._parts.values():
            self._stand_aside(part, "renewed")

    def _settle(self, part: Partition) -> None:
        if self._ground is None or self._streams is None:
            return
        covered, _ = self._ground.covered(part.number)
        first = part.settle(covered)
        if first is not None:
            self._streams.trim(part.number, first)
        if part.aside is None and covered > part.at:
            self._stand_aside(part, "behind")

    def _begin(self) -> None:
        """Do step 2."""
        ground, now = self._ground, self._clock.monotonic()
        if ground is None:
            return
        for part in self._parts.values():
            covered, _ = ground.covered(part.number)
            if part.may_begin(covered, self._policy.budget, now):
                self._begin_with(part, ground)

    def _begin_with(self, part: Partition, ground: Ground) -> None:
        assert self._streams is not None  # noqa: S101 - there is ground
        at, clock = ground.covered(part.number)
        first, end = self._bounds(_SELDOM).get(part.number, (0, 0))
        most = self._policy.backlog // 2 if part.aside == "backlog" else self._policy.backlog
        if end - max(at, part.at) > most:  # seen before the stream is read
            return self._stand_aside(part, "backlog")
        values = self._streams.entries(part.number)
        if values is None:
            return self._stand_aside(part, "redis")
        at, clock, written = reach_of(values, ground, part.number)
        if at < first:
            return self._stand_aside(part, "gap")
        if end - at > most:
            part.at = at
            return self._stand_aside(part, "backlog")
        part.begin(at, clock, written)
        with suppress(TransientError):  # it has just gone to another member: the next poll will say so
            self._consumer.seek(part.place, at)
        return None

    def _leave_backlog(self, read: int) -> None:
        """Do step 4."""
        running = [part for part in self._parts.values() if part.aside is None]
        if not read or not running:
            return
        bounds = self._bounds(_OFTEN if read >= self._at_once else _SELDOM)
        for part in running:
            first, end = bounds.get(part.number, (0, 0))
            if first > part.at:
                raise TransientError(f"{part.place} begins at {first} now; expected {part.at} to be kept")
            if end - part.at > self._policy.backlog:
                self._stand_aside(part, "backlog")

    def _advance(self, records: Sequence[Record]) -> None:
        """Do steps 5 to 7 for every partition that has something new."""
        read: dict[TopicPartition, list[Record]] = {}
        for record in records:
            read.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        running = [part for part in self._parts.values() if part.aside is None]
        ends = {part.place: self._position(part) for part in running}
        moved = [part for part in running if ends[part.place] != part.at]
        if not moved:
            return
        topic_id = self._asking.submit(self._source.identities.topic_id, self._source.topic)
        until = self._clock.monotonic() + _TURN
        for part in moved:
            self._take(part, read.get(part.place, []), ends[part.place], topic_id, until)

    def _position(self, part: Partition) -> int:
        with suppress(TransientError):  # it has just gone to another member: the next poll will say so
            return self._consumer.position(part.place)
        return part.at

    def _take(
        self,
        part: Partition,
        records: Sequence[Record],
        end: int,
        topic_id: Future[str],
        until: float,
    ) -> None:
        if end < part.at or (records and records[0].offset < part.at):
            raise TransientError(
                f"{part.place} was read from {end}, expected {part.at}: it was cut or made anew"
            )
        while part.at < end and part.aside is None:
            if self._clock.monotonic() > until:
                return self._consumer.seek(part.place, part.at)
            records = self._piece(part, records, end, topic_id)
        return None

    def _piece(
        self, part: Partition, records: Sequence[Record], end: int, topic_id: Future[str]
    ) -> Sequence[Record]:
        """Do steps 5 to 7 for one entry; return the records behind it."""
        ground = self._ground
        assert ground is not None  # noqa: S101 - nothing is read without
        span = Range(
            topic=ground.topic,
            topic_id=ground.topic_id,
            partition=part.number,
            start=part.at,
            end=end,
            clock=part.clock,
        )
        made = self._made(ground)
        entry, rest, why = self._maker.make(records, span, made)  # 5
        reason: Reason | None = why
        if entry is not None and self._append(part, entry, made, topic_id):  # 6
            reason = why or part.over(self._policy.budget)
        if reason and part.aside is None:  # 7
            self._stand_aside(part, reason)
        return rest

    def _append(self, part: Partition, entry: Entry, made: Made, topic_id: Future[str]) -> bool:
        assert self._streams is not None  # noqa: S101 - there is ground
        found = topic_id.result()
        if known_to_differ(entry.range.topic_id, found):
            self._grounds.doubt()
            raise TransientError(f"topic {entry.range.topic!r} was created anew")
        value = encode_entry(entry, made)
        reach("tail.before_append")
        name = self._streams.append(part.number, value)
        reach("tail.after_append")
        if name is None:
            self._stand_aside(part, "redis")
            return False
        part.wrote(Written(name, entry.range.end, entry.documents, entry.bytes), entry.range.clock)
        return True

    def _stand_aside(self, part: Partition, reason: Reason) -> None:
        if reason not in BEGINNINGS and reason != part.aside:
            metrics.TAIL_ASIDE.labels(reason=reason).inc()
            _log.info("tail_aside", partition=part.number, offset=part.at, reason=reason)
        part.stand_aside(reason, self._clock.monotonic())
        with suppress(TransientError):  # it has just gone to another member
            self._consumer.pause(part.place)

    def _made(self, ground: Ground) -> Made:
        generation = ground.generation
        return Made(
            generation=generation.generation,
            shards=generation.shards,
            fingerprint=generation.fingerprint,
            languages=self._policy.languages,
        )

    def _bounds(self, age: float) -> Mapping[int, tuple[int, int]]:
        """Return {partition: (first offset kept, end)}, not older than `age` seconds."""
        now = self._clock.monotonic()
        if now >= self._ends_at + age:
            self._ends, self._ends_at = self._reader.bounds(self._source.topic), now
        return self._ends

    def _show(self) -> None:
        parts, ground = self._parts.values(), self._ground
        at = {part.number: max(part.at, ground.covered(part.number)[0] if ground else 0) for part in parts}
        behind = (self._ends.get(number, (0, 0))[1] - offset for number, offset in at.items())
        metrics.TAIL_BACKLOG.set(sum(max(0, records) for records in behind))
        metrics.TAIL_DOCUMENTS.set(sum(part.documents for part in parts))
        metrics.TAIL_BYTES.set(sum(part.bytes for part in parts))

    def _on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        for place in partitions:
            self._parts[place] = Partition(place)
            self._consumer.pause(place)  # until it is known where to begin
        _log.info("partitions_assigned", partitions=sorted(place.partition for place in partitions))

    def _on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        for place in partitions:
            self._parts.pop(place, None)
