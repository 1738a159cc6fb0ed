"""`max_staleness` as offsets: which events a question must see, and when what it misses was written.

    a question, written at 10.000 s by the broker's clock, max_staleness 2: it must see every event written up to 8.000
    partition 0: the first event after that is at offset 17    partition 1: there is none, its end is 5
    floor {documents: {0: 17, 1: 5}}, which then waits to be covered as `min_offsets` do (serving.parking)

Both times are the broker's, so that no clock of ours matters, and the floor is the same however often it is looked up:
after a crash, or by another worker. A thread of its own asks the broker, so that a turn never waits for it; a broker
that is away leaves a floor unknown, and whoever stops waiting for it says so. Knows no snapshot.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Protocol, TypeVar

import structlog

from freshline.coverage import Coverage
from freshline.errors import FreshlineError
from freshline.transport.port import LogReader, TopicPartition
from serving.intake import Asked

_log = structlog.get_logger()

#: Where a record stands.
Place = tuple[TopicPartition, int]
_T = TypeVar("_T")

#: Questions whose times differ by less share a lookup, ms: they may have to see so much more.
GRAIN = 20
#: Seconds until it is tried again where the broker does not answer.
_PAUSE = 0.5
#: Offsets that are tried for a record, from the first that is missed on: a transaction's marker is none.
_HOLES = 8
#: Answers that are remembered; each is fetched once, as a rule.
_KEPT = 4096


class Ages(Protocol):
    """What parked questions ask. Never blocks; what is not known yet is looked up from then on."""

    def floor(self, asked: Asked) -> Coverage | None:
        """Return the offsets that a question's max_staleness stands for, None while they are not known."""
        ...

    def written(self, partition: TopicPartition, offset: int) -> int | None:
        """Return the broker's time (ms) of the first event from an offset on, None where it is not known."""
        ...

    def close(self) -> None:
        """End."""
        ...


def newest_ms(asked: Asked) -> int:
    """Return the time (ms) up to which a question must have seen every event; negative = none.

    >>> from freshline.transport.port import Record; from schemas.messages import Query
    >>> record = Record(topic="queries", partition=0, offset=0, timestamp=10_000, key=b"q", value=b"{}")
    >>> newest_ms(Asked(record, Query(schema_version=1, query_id="q", text="?", max_staleness=2)))
    8000
    """
    age = (asked.query.max_staleness or 0.0) * 1000
    written = asked.record.timestamp
    return -1 if age > written else written - int(age)


class Floors:
    """See Ages. `open_reader` gives a reader that only the thread uses; it starts with the first question."""

    def __init__(self, open_reader: Callable[[], LogReader], topic: str) -> None:
        self._open_reader = open_reader
        self._topic = topic
        self._lock = Lock()
        #: by the place of a question, until it is fetched
        self._floors: dict[Place, Coverage] = {}
        #: by the place of an event
        self._times: dict[Place, int] = {}
        #: what is being looked up: questions, and places of events
        self._asked: dict[Place, Asked] = {}
        self._missed: dict[Place, None] = {}
        self._work = Event()
        self._closed = False
        self._thread: Thread | None = None

    def floor(self, asked: Asked) -> Coverage | None:
        """Return the offsets that a question's max_staleness stands for, None while they are not known."""
        place = asked.partition, asked.record.offset
        with self._lock:
            if place in self._floors:
                return self._floors.pop(place)
            if place in self._asked:
                return None
            self._asked[place] = asked
        self._wake()
        return None

    def written(self, partition: TopicPartition, offset: int) -> int | None:
        """Return the broker's time (ms) of the first event from an offset on, None where it is not known.

        Of the topic of documents alone: a question may name any.
        """
        if partition.topic != self._topic:
            return None
        place = partition, offset
        with self._lock:
            if place in self._times or place in self._missed:
                return self._times.get(place)
            self._missed[place] = None
        self._wake()
        return None

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._work.set()
        if self._thread is not None:
            self._thread.join(timeout=1)

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="staleness", daemon=True)
            self._thread.start()
        self._work.set()

    def _run(self) -> None:
        reader: LogReader | None = None
        while self._work.wait() and not self._closed:
            self._work.clear()
            with self._lock:
                asked, missed = dict(self._asked), list(self._missed)
            try:
                reader = reader or self._open_reader()
                self._look_floors(reader, asked)
                self._look_times(reader, missed)
            except FreshlineError as fault:
                _log.warning("staleness_unknown", reason=str(fault))
                time.sleep(_PAUSE)
            with self._lock:  # who still waits for what was not found asks again
                for place in asked:
                    self._asked.pop(place, None)
                for place in missed:
                    self._missed.pop(place, None)
        if reader is not None:
            with suppress(FreshlineError):
                reader.close()

    def _look_floors(self, reader: LogReader, asked: dict[Place, Asked]) -> None:
        for ms, places in _by_time(asked).items():
            floor = {self._topic: reader.offsets_at(self._topic, ms)} if ms > 0 else {}
            with self._lock:
                _keep(self._floors, dict.fromkeys(places, floor))

    def _look_times(self, reader: LogReader, missed: list[Place]) -> None:
        bounds = reader.bounds(self._topic) if missed else {}
        for partition, offset in missed:
            if offset >= bounds.get(partition.partition, (0, 0))[1]:
                continue  # not written yet
            found = next(iter(reader.read_at(partition, range(offset, offset + _HOLES))), None)
            if found is not None:
                with self._lock:
                    _keep(self._times, {(partition, offset): found.timestamp})


def _by_time(asked: dict[Place, Asked]) -> dict[int, list[Place]]:
    """Return the places of questions by the time (ms) from which on they need see nothing."""
    groups: dict[int, list[Place]] = {}
    for place, one in asked.items():
        after = newest_ms(one) + 1
        groups.setdefault(-(-after // GRAIN) * GRAIN, []).append(place)
    return groups


def _keep(into: dict[Place, _T], new: dict[Place, _T]) -> None:
    into.update(new)
    while len(into) > _KEPT:
        del into[next(iter(into))]
