"""What the worker's tail thread brings from the streams to the book, step by step."""

from collections.abc import Sequence
from threading import Event

import pytest

from freshline.cache.memory_tail import MemoryTail, MemoryTails
from freshline.clock import ManualClock
from freshline.embedding.tiny import TINY_FINGERPRINT
from freshline.errors import TransientError
from freshline.settings import TailSettings
from serving.tail import reading as module
from serving.tail.book import Book
from serving.tail.entry import encode_entry
from serving.tail.reading import Reading
from tests.support.tail_entries import TOPIC, entry, made, manifest, state

STOP = Event()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT", 0.0)
    monkeypatch.setattr(module, "PAUSE", 0.0)


class Worker:
    """A book, the streams of each generation and the thread's steps."""

    def __init__(self, **limits: int) -> None:
        self.server = MemoryTails()
        self.clock = ManualClock()
        self.opened: list[int] = []
        self.moved = 0
        self.numbers: list[int] | Exception = [0, 1]
        self.book = Book(TOPIC, TailSettings(**limits))  # type: ignore[arg-type]
        self.reading = Reading(
            self.book,
            TINY_FINGERPRINT.id,
            open_streams=self._open,
            partitions=self._partitions,
            moved=self._count,
            clock=self.clock,
        )

    def put(
        self, start: int, end: int, *, partition: int = 0, stream: int | None = None, generation: int = 0
    ) -> None:
        """Append the entry of a range with one document for each offset."""
        states = [state(offset, f"d{offset}", "text", partition=partition) for offset in range(start, end)]
        how = made(generation=generation)
        value = encode_entry(entry(start, end, *states, partition=partition, generation=generation), how)
        self.server.append((str(generation), partition if stream is None else stream), value)

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.reading.step(STOP)

    def covered(self, partition: int = 0, **how: int) -> int:
        """Return what is answerable beside a manifest that covers nothing."""
        return self.book.beyond(manifest({}, **how)).coverage.get(TOPIC, {}).get(partition, 0)  # type: ignore[arg-type]

    def _open(self, generation: int) -> MemoryTail:
        self.opened.append(generation)
        return MemoryTail(self.server, str(generation))

    def _partitions(self) -> Sequence[int]:
        if isinstance(self.numbers, Exception):
            raise self.numbers
        return self.numbers

    def _count(self) -> None:
        self.moved += 1


@pytest.fixture
def worker() -> Worker:
    made = Worker()
    assert made.covered() == 0  # the book has seen a manifest
    return made


def test_entries_come_once_and_wake_once(worker: Worker) -> None:
    worker.put(0, 2)
    worker.put(2, 3)
    worker.put(0, 4, partition=1)
    worker.step(3)
    assert (worker.moved, worker.covered(), worker.covered(1)) == (1, 3, 4)
    worker.put(2, 3)  # says nothing new
    worker.step()
    assert worker.moved == 1
    worker.put(3, 4)
    worker.step()
    assert (worker.moved, worker.covered()) == (2, 4)


def test_nothing_is_opened_before_a_generation_serves() -> None:
    worker = Worker()
    worker.put(0, 1)
    worker.step()
    assert worker.opened == []


def test_another_generation_is_read_from_its_first_entry(worker: Worker) -> None:
    worker.put(0, 5)
    worker.step()
    worker.put(0, 2, generation=1)
    assert worker.covered(generation=1) == 0
    worker.step()
    assert (worker.opened, worker.covered(generation=1)) == ([0, 1], 2)


def test_an_entry_that_cannot_be_read_is_a_gap(worker: Worker) -> None:
    worker.put(0, 2)
    worker.server.append(("0", 0), b"no entry")
    worker.server.append(("0", 0), None)
    worker.put(2, 9, partition=1, stream=0)  # of another partition
    worker.put(3, 5)
    worker.step(2)
    assert (worker.covered(), worker.covered(1)) == (2, 0)
    assert worker.book.beyond(manifest({0: 3})).coverage == {TOPIC: {0: 5}}


def test_redis_comes_back_with_all_that_it_kept(worker: Worker) -> None:
    worker.put(0, 2)
    worker.step()
    worker.server.become("away")
    worker.step(2)
    assert worker.covered() == 2  # what is in the book stays
    worker.server.become("up")
    worker.put(2, 3)
    worker.step()
    assert worker.covered() == 3


def test_new_partitions_are_noticed_and_a_broker_that_is_away_changes_nothing(worker: Worker) -> None:
    worker.step()
    worker.put(0, 1, partition=2)
    worker.numbers = TransientError("the broker is away")
    worker.clock.advance(module.LOOK)
    worker.put(0, 1)
    worker.step()
    assert (worker.covered(0), worker.covered(2)) == (1, 0)
    worker.numbers = [0, 1, 2]
    worker.clock.advance(module.LOOK)
    worker.step()
    assert worker.covered(2) == 1


def test_what_has_no_room_is_read_again_once_there_is_some() -> None:
    worker = Worker(max_documents=1)  # twice that are kept
    assert worker.covered() == 0
    for offset in range(4):
        worker.put(offset, offset + 1)
    worker.put(0, 1, partition=1)
    worker.step(2)
    assert (worker.covered(), worker.covered(1)) == (2, 1)
    assert worker.book.beyond(manifest({0: 2})).coverage[TOPIC][0] == 2
    worker.step()
    assert worker.book.beyond(manifest({0: 2})).coverage[TOPIC][0] == 4
