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
comes twice says the same, since its content follows from the log alone. Steps 5 to 7 are serving.tail.handing's. This
module knows no Kafka, Redis or model.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event

import structlog

from freshline.cache.port import TailStreams
from freshline.clock import Clock
from freshline.errors import FreshlineError, IntegrityError, TransientError
from freshline.transport.kafka_identity import Identities
from freshline.transport.port import Log
from serving.tail.chain import reach_of
from serving.tail.ends import OFTEN, SELDOM, Ends
from serving.tail.ground import Ground, Grounds
from serving.tail.handing import Handing, Policy, Standing, TopicMoved
from serving.tail.held import Held
from serving.tail.making import Maker
from serving.tail.partition import Partition, Reason

_log = structlog.get_logger()

#: Longest wait of one poll, seconds: bounds how late a SIGTERM, a hint and a due look are seen.
_IDLE = 0.05
#: Records of one poll at most: what is read is worked on before the next look.
_AT_ONCE = 32
#: Waits between attempts where broker or lake are away, seconds: doubled up to the last.
_BACKOFF = (0.1, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The topic and what reads it."""

    log: Log
    topic: str
    group: str
    identities: Identities


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
        self._topic = source.topic
        self._grounds = grounds
        self._open_streams = open_streams
        self._clock = clock
        self._policy = policy
        self._at_once = max(1, min(_AT_ONCE, policy.backlog))
        self._consumer = source.log.group_consumer(source.group)
        self._reader = source.log.reader()
        self._ends = Ends(self._reader, source.topic, clock)
        self._held = Held(self._consumer, clock)
        topic_id = partial(source.identities.topic_id, source.topic)
        self._handing = Handing(self._held, maker, topic_id, clock, policy)
        self._on: Standing | None = None
        self._due = float("-inf")
        self._woken = Event()
        self.fault: str | None = "has not looked yet"

    @property
    def standing(self) -> dict[int, Reason | None]:
        """Return why each partition stands aside, None where it is read."""
        return self._held.standing

    @property
    def backlog(self) -> int:
        """Return how many offsets of its partitions neither the manifest nor the tail covers."""
        return self._held.backlog

    def join(self) -> None:
        """Ask for a share of the partitions; it comes with a later turn."""
        self._held.join(self._topic)

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
        self._handing.close()
        if self._on is not None:
            self._on.streams.close()
        for part in (self._consumer, self._reader):
            with suppress(FreshlineError):
                part.close()

    def turn(self) -> None:
        """Do steps 1 to 7 once. Raises TransientError, IntegrityError, OSError, Fenced, UserError."""
        self._look()  # 1
        self._begin()  # 2
        self.fault = None
        records = self._consumer.poll(_IDLE, self._at_once)  # 3
        self._leave_backlog(len(records))  # 4
        if self._on is not None:
            try:
                self._handing.advance(records, self._on)  # 5 to 7
            except TopicMoved:
                self._grounds.doubt()
                raise
        self._held.show(self._on.ground if self._on else None, self._ends.known)

    def begin_again(self) -> None:
        """Forget where every partition is: what is in the streams and in the manifest says it."""
        self._due = float("-inf")
        self._ends.forget()
        for part in self._held:
            self._held.stand_aside(part, "fault")

    def _look(self) -> None:
        """Do step 1."""
        if self._clock.monotonic() < self._due and not self._woken.is_set():
            return
        self._woken.clear()
        ground = self._grounds.look()
        self._due = self._clock.monotonic() + (self._policy.refresh if ground else SELDOM)
        if ground is not (self._on and self._on.ground):
            self._stand_on(ground)

    def _stand_on(self, ground: Ground | None) -> None:
        """Open new streams where entries made until now do not count any more."""
        before, self._on = self._on, None
        kept = before is not None and ground is not None and ground.carries(before.ground)
        if before is not None and not kept:
            before.streams.close()
        if ground is not None:
            streams = before.streams if before and kept else self._open_streams(ground.generation.generation)
            self._on = Standing.on(ground, streams, self._policy.languages)
        for part in self._held:
            if kept and self._on:
                self._settle(part, self._on)
            else:
                self._held.stand_aside(part, "renewed")

    def _settle(self, part: Partition, on: Standing) -> None:
        covered, _ = on.ground.covered(part.number)
        first = part.settle(covered)
        if first is not None:
            on.streams.trim(part.number, first)
        if part.aside is None and covered > part.at:
            self._held.stand_aside(part, "behind")

    def _begin(self) -> None:
        """Do step 2."""
        now = self._clock.monotonic()
        for part in self._held if self._on else ():
            assert self._on is not None  # noqa: S101 - see the line above
            covered, _ = self._on.ground.covered(part.number)
            if part.may_begin(covered, self._policy.budget, now):
                self._begin_with(part, self._on)

    def _begin_with(self, part: Partition, on: Standing) -> None:
        covered, _ = on.ground.covered(part.number)
        first, end = self._ends.look(SELDOM).get(part.number, (0, 0))
        most = self._policy.backlog // 2 if part.aside == "backlog" else self._policy.backlog
        if end - max(covered, part.at) > most:  # seen before the stream is read
            return self._held.stand_aside(part, "backlog")
        values = on.streams.entries(part.number)
        if values is None:
            return self._held.stand_aside(part, "redis")
        reached = reach_of(values, on.ground, part.number)
        part.at = reached.at
        if reached.at < first:
            return self._held.stand_aside(part, "gap")
        if end - reached.at > most:
            return self._held.stand_aside(part, "backlog")
        return self._held.begin(part, reached)

    def _leave_backlog(self, read: int) -> None:
        """Do step 4."""
        if not read or not self._held.running:
            return
        bounds = self._ends.look(OFTEN if read >= self._at_once else SELDOM)
        for part in self._held.running:
            first, end = bounds.get(part.number, (0, 0))
            if first > part.at:
                raise TransientError(f"{part.place} begins at {first} now; expected {part.at} to be kept")
            if end - part.at > self._policy.backlog:
                self._held.stand_aside(part, "backlog")
