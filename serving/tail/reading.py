"""Read the tail's streams into the book, and say when there is something new: a step of the worker's tail thread.

    1. what the book wants has changed (another generation, another creation of the topic): open, begin at the first
    2. now and then: which partitions are there
    3. read what came since; Redis away: nothing is lost that is in the book, and all that is kept is read again later
    4. decode, add; an entry that cannot be decoded is left out, which is a gap until the manifest has passed it
    5. anything new: wake whoever puts snapshots together

An entry for which the book has no room stays in its stream and is read again. Knows no Redis.
"""

from collections.abc import Callable, Iterable, Sequence
from threading import Event

import structlog

from freshline import metrics
from freshline.cache.port import TailStreams
from freshline.clock import Clock, SystemClock
from freshline.errors import FormatError, FreshlineError
from serving.tail.book import Book, Epoch
from serving.tail.entry import decode_entry

_log = structlog.get_logger()

#: Longest wait for an entry, seconds: bounds how late the thread sees a new epoch, or that the worker stops.
WAIT = 0.5
#: Until Redis is asked again that was away, and until what had no room is tried again, seconds.
PAUSE = 0.1
#: Between two looks at the topic's partitions, seconds.
LOOK = 10.0


class Reading:
    """Serves one thread. `open_streams` opens a generation's, `partitions` may raise FreshlineError."""

    def __init__(
        self,
        book: Book,
        fingerprint: str,
        *,
        open_streams: Callable[[int], TailStreams],
        partitions: Callable[[], Sequence[int]],
        moved: Callable[[], None],
        clock: Clock | None = None,
    ) -> None:
        self._book = book
        self._fingerprint = fingerprint
        self._open_streams = open_streams
        self._partitions = partitions
        self._moved = moved
        self._clock = clock or SystemClock()
        self._streams: TailStreams | None = None
        self._epoch: Epoch | None = None
        self._after: dict[int, str] = {}
        self._look_at = float("-inf")

    def step(self, stop: Event) -> None:
        """Read once."""
        epoch = self._book.epoch
        if epoch is None:
            stop.wait(WAIT)
            return
        streams = self._opened(epoch)  # step 1
        self._look()  # step 2
        found = streams.read(self._after, WAIT)  # step 3
        if found is None:
            self._after = dict.fromkeys(self._after, "")
            stop.wait(PAUSE)
            return
        took = [self._take(partition, entries, epoch) for partition, entries in found.items()]
        if any(news for news, _ in took):  # step 5
            self._moved()
        if not all(whole for _, whole in took):
            stop.wait(PAUSE)

    def close(self) -> None:
        """Give back the connection."""
        if self._streams is not None:
            self._streams.close()
            self._streams = None

    def _opened(self, epoch: Epoch) -> TailStreams:
        if self._streams is None or epoch != self._epoch:
            self.close()
            self._streams = self._open_streams(epoch.generation)
            self._epoch, self._after = epoch, dict.fromkeys(self._after, "")
        return self._streams

    def _look(self) -> None:
        if self._clock.monotonic() < self._look_at and self._after:
            return
        self._look_at = self._clock.monotonic() + LOOK
        try:
            found = self._partitions()
        except FreshlineError as fault:  # the broker is away: those that are known go on
            _log.warning("tail_partitions_unknown", reason=str(fault))
            return
        self._after = {partition: self._after.get(partition, "") for partition in found}

    def _take(
        self, partition: int, entries: Iterable[tuple[str, bytes | None]], epoch: Epoch
    ) -> tuple[bool, bool]:
        """Do step 4 for one partition: whether anything was new, and whether there was room for all."""
        news = False
        for number, value in entries:
            if not self._book.has_room(partition):
                return news, False
            news |= self._add(partition, value, epoch)
            self._after[partition] = number
        return news, True

    def _add(self, partition: int, value: bytes | None, epoch: Epoch) -> bool:
        try:
            entry = decode_entry(value or b"", epoch.generation, self._fingerprint)
        except FormatError as fault:
            metrics.TAIL_LEFT_OUT.labels(reason="undecodable").inc()
            reason = "not sealed by this deployment" if value is None else str(fault)
            _log.warning("tail_entry_left_out", partition=partition, reason=reason)
            return False
        if entry.range.partition != partition:
            metrics.TAIL_LEFT_OUT.labels(reason="foreign").inc()
            return False
        return self._book.add(entry, epoch)
