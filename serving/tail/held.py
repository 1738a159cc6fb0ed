"""The partitions that this member holds: which are read, and which stand aside, at which nothing is fetched.

Told by the group in poll(). A partition that has just come stands aside until it is known where to begin.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import structlog

from freshline import metrics
from freshline.clock import Clock
from freshline.errors import TransientError
from freshline.transport.port import GroupConsumer, TopicPartition
from serving.tail.chain import Reached
from serving.tail.ground import Ground
from serving.tail.partition import BEGINNINGS, Partition, Reason

_log = structlog.get_logger()


class Held:
    """A consumer's partitions by what the tail knows of them.

    `backlog`: offsets of them that neither the manifest nor the tail covers, when they were last shown.
    """

    def __init__(self, consumer: GroupConsumer, clock: Clock) -> None:
        self._consumer = consumer
        self._clock = clock
        self._parts: dict[TopicPartition, Partition] = {}
        self.backlog = 0

    def __iter__(self) -> Iterator[Partition]:
        return iter(list(self._parts.values()))

    @property
    def running(self) -> list[Partition]:
        """Return those that are read."""
        return [part for part in self if part.aside is None]

    @property
    def standing(self) -> dict[int, Reason | None]:
        """Return why each partition stands aside, None where it is read."""
        return {part.number: part.aside for part in sorted(self, key=lambda part: part.place)}

    def join(self, topic: str) -> None:
        """Ask for a share of the partitions."""
        self._consumer.subscribe(topic, on_assigned=self._assigned, on_revoked=self._revoked)

    def begin(self, part: Partition, reached: Reached) -> None:
        """Read a partition from here on."""
        part.begin(*reached)
        with suppress(TransientError):  # it has just gone to another member: the next poll will say so
            self._consumer.seek(part.place, part.at)

    def back(self, part: Partition) -> None:
        """Read again what no entry was made of."""
        with suppress(TransientError):  # as above
            self._consumer.seek(part.place, part.at)

    def position(self, part: Partition) -> int:
        """Return the offset up to which poll() has given everything."""
        with suppress(TransientError):  # as above
            return self._consumer.position(part.place)
        return part.at

    def stand_aside(self, part: Partition, reason: Reason) -> None:
        """Read no more of a partition."""
        if reason not in BEGINNINGS and reason != part.aside:
            metrics.TAIL_ASIDE.labels(reason=reason).inc()
            _log.info("tail_aside", partition=part.number, offset=part.at, reason=reason)
        part.stand_aside(reason, self._clock.monotonic())
        with suppress(TransientError):  # as above
            self._consumer.pause(part.place)

    def show(self, ground: Ground | None, ends: Mapping[int, tuple[int, int]]) -> None:
        """Set the gauges and `backlog`; `ends` are {partition: (first offset kept, end)}."""
        at = {part.number: max(part.at, ground.covered(part.number)[0] if ground else 0) for part in self}
        behind = (ends.get(number, (0, 0))[1] - offset for number, offset in at.items())
        self.backlog = sum(max(0, records) for records in behind)
        metrics.TAIL_BACKLOG.set(self.backlog)
        metrics.TAIL_DOCUMENTS.set(sum(part.documents for part in self))
        metrics.TAIL_BYTES.set(sum(part.bytes for part in self))

    def _assigned(self, partitions: Sequence[TopicPartition]) -> None:
        for place in partitions:
            self._parts[place] = Partition(place)
            self._consumer.pause(place)
        _log.info("partitions_assigned", partitions=sorted(place.partition for place in partitions))

    def _revoked(self, partitions: Sequence[TopicPartition]) -> None:
        for place in partitions:
            self._parts.pop(place, None)
