"""Steps 5 to 7 of the owner: what one poll gave becomes entries in the streams, one or more a partition.

Knows neither manifest nor group; serving.tail.owner says what the steps are.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from freshline import metrics
from freshline.cache.port import TailStreams
from freshline.clock import Clock
from freshline.errors import TransientError
from freshline.failpoints import reach
from freshline.index.state import known_to_differ
from freshline.lexical.languages import Languages
from freshline.transport.port import Record, TopicPartition
from serving.tail.entry import Entry, Made, Range, encode_entry
from serving.tail.ground import Ground
from serving.tail.held import Held
from serving.tail.making import Maker
from serving.tail.partition import Budget, Partition, Reason, Written

#: Longest work on what one poll gave, seconds; what is left is read again. The others of the group wait in a rebalance.
_TURN = 1.0


class TopicMoved(TransientError):  # noqa: N818 - named as the situation
    """The name stands for another topic by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an owner is bounded by; languages are those of lexical analysis."""

    #: records behind the topic's end
    backlog: int
    budget: Budget
    #: seconds between looks at the manifest
    refresh: float
    languages: Languages


@dataclass(frozen=True, slots=True)
class Standing:
    """What entries are made and kept by, as long as the generation and the topic are the same."""

    ground: Ground
    streams: TailStreams
    made: Made

    @classmethod
    def on(cls, ground: Ground, streams: TailStreams, languages: Languages) -> "Standing":
        """Stand on a ground."""
        generation = ground.generation
        made = Made(
            generation=generation.generation,
            shards=generation.shards,
            fingerprint=generation.fingerprint,
            languages=languages,
        )
        return cls(ground, streams, made)


class Handing:
    """`topic_id` asks the broker for the topic's id, "" where it has none; that takes as long as a short embedding."""

    def __init__(
        self, held: Held, maker: Maker, topic_id: Callable[[], str], clock: Clock, policy: Policy
    ) -> None:
        self._held = held
        self._maker = maker
        self._topic_id = topic_id
        self._clock = clock
        self._policy = policy
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="topic-id")

    def close(self) -> None:
        """End the thread that asks."""
        self._asking.shutdown(wait=False, cancel_futures=True)

    def advance(self, records: Sequence[Record], on: Standing) -> None:
        """Go on in every partition that has something new. Raises TopicMoved, TransientError."""
        read: dict[TopicPartition, list[Record]] = {}
        for record in records:
            waited = max(0.0, self._clock.now() - record.timestamp / 1000)
            metrics.TAIL_STAGE.labels(stage="wait").observe(waited)
            read.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        ends = {part.place: self._held.position(part) for part in self._held.running}
        moved = [part for part in self._held.running if ends[part.place] != part.at]
        if not moved:
            return
        # asked after the poll: if it is the same, what the poll gave is of that topic
        found = self._asking.submit(self._topic_id)
        until = self._clock.monotonic() + _TURN
        for part in moved:
            mine: Sequence[Record] = read.get(part.place, ())
            end = ends[part.place]
            if end < part.at or (mine and mine[0].offset < part.at):
                raise TransientError(
                    f"{part.place} is read from {end}, expected {part.at}: it was cut or made anew"
                )
            while part.at < end and part.aside is None and self._clock.monotonic() <= until:
                mine = self._piece(part, mine, end, on, found)
            if part.at < end and part.aside is None:
                self._held.back(part)

    def _piece(
        self, part: Partition, records: Sequence[Record], end: int, on: Standing, found: Future[str]
    ) -> Sequence[Record]:
        """Do steps 5 to 7 for one entry; return the records behind it."""
        span = Range(
            topic=on.ground.topic,
            topic_id=on.ground.topic_id,
            partition=part.number,
            start=part.at,
            end=end,
            clock=part.clock,
        )
        entry, rest, why = self._maker.make(records, span, on.made)  # 5
        reason: Reason | None = why
        if entry is not None:  # 6
            taken = self._append(part, entry, on, found)
            reason = (why or part.over(self._policy.budget)) if taken else "redis"
        if reason:  # 7
            self._held.stand_aside(part, reason)
        return rest

    def _append(self, part: Partition, entry: Entry, on: Standing, found: Future[str]) -> bool:
        with metrics.TAIL_STAGE.labels(stage="append").time():
            return self._handed(part, entry, on, found)

    def _handed(self, part: Partition, entry: Entry, on: Standing, found: Future[str]) -> bool:
        value = encode_entry(entry, on.made)
        if known_to_differ(entry.range.topic_id, found.result()):
            raise TopicMoved(f"topic {entry.range.topic!r} was created anew")
        reach("tail.before_append")
        name = on.streams.append(part.number, value)
        reach("tail.after_append")
        if name is None:
            return False
        part.wrote(Written(name, entry.range.end, entry.documents, entry.bytes), entry.range.clock)
        return True
