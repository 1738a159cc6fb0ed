"""The worker's side of the tail, put together from settings: the book, and the thread that reads into it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import structlog

from freshline.cache.factory import open_tail
from freshline.errors import FreshlineError
from freshline.settings import Settings
from freshline.transport.connection import topic_name
from freshline.transport.port import Log, LogReader
from serving.background import tailing
from serving.tail.book import Book
from serving.tail.reading import Reading

_log = structlog.get_logger()


def book_of(settings: Settings) -> Book | None:
    """Return what a worker keeps of the tail, None where it goes without.

    Peers are asked about the state of one decision, and no two workers have the same tail at the same time.
    """
    serving = settings.serving
    if not settings.tail.enabled or settings.redis.url in {"", "none"}:
        return None
    if serving.shards or serving.peers or serving.peer_port:
        _log.info("no_tail", reason="serving.shards, serving.peers or serving.peer_port is set")
        return None
    return Book(topic_name(settings.kafka, "documents"), settings.tail)


@contextmanager
def following(
    book: Book, settings: Settings, log: Log, fingerprint: str, moved: Callable[[], None]
) -> Iterator[None]:
    """Read the streams into the book while the block runs; `moved` is called when there is something new."""
    partitions = _Partitions(log.reader, topic_name(settings.kafka, "documents"))
    reading = Reading(
        book,
        fingerprint,
        open_streams=partial(open_tail, settings, fingerprint),
        partitions=partitions.numbers,
        moved=moved,
    )

    def finish() -> None:
        reading.close()
        partitions.close()

    with tailing(reading.step, finish):
        yield


class _Partitions:
    """A topic's partitions, asked of the broker by a reader that is opened when it is first needed."""

    def __init__(self, open_reader: Callable[[], LogReader], topic: str) -> None:
        self._open_reader = open_reader
        self._topic = topic
        self._reader: LogReader | None = None

    def numbers(self) -> list[int]:
        """Return their numbers. Raises FreshlineError where the broker is away."""
        self._reader = self._reader or self._open_reader()
        return self._reader.partitions(self._topic)

    def close(self) -> None:
        """End."""
        if self._reader is not None:
            with suppress(FreshlineError):
                self._reader.close()
