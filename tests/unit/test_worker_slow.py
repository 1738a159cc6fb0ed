"""A worker whose answers take long: it stays in its group, loses nothing to a rebalance, and stops when told to."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from freshline.embedding.port import Vectors
from freshline.embedding.tiny import TinyEmbedder
from serving import worker as module
from serving.worker import Worker
from serving.writing import Names
from tests.support.serving import NAMES, PARTITIONS, Bench, TinyLake, turns
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(60)


class Held(TinyEmbedder):
    """Holds the first batch until it is let go; counts the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.let_go = Event(), Event()

    def queries(self, texts: list[str]) -> Vectors:  # type: ignore[override]  # narrower, for this test
        if not self.held.is_set():
            self.held.set()
            assert self.let_go.wait(20)
        return super().queries(texts)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(module, "STAY", 0.01)
    lake = TinyLake(tmp_path)
    lake.publish({"tower": "The tower is 96 metres high."}, end={"documents": {0: 1}}, newest_event_ms=1)
    return Bench(lake.snapshot())


@pytest.fixture
def slow(bench: Bench) -> Iterator[tuple[Held, Thread, Event]]:
    """A worker in a thread of its own that has read six questions of two partitions and makes their answers."""
    bench.embedder = held = Held()
    first, stop = bench.worker(join=False), Event()
    for number in range(6):
        bench.ask(f"q{number}", partition=number % PARTITIONS)
    thread = Thread(target=first.run, args=(stop, 64), daemon=True)
    thread.start()
    assert held.held.wait(20)
    yield held, thread, stop
    stop.set()
    held.let_go.set()
    thread.join(20)
    assert not thread.is_alive()
    first.close()


def test_a_rebalance_while_answers_are_made_waits_for_nobody_and_answers_each_once(
    bench: Bench, slow: tuple[Held, Thread, Event]
) -> None:
    held, _, _ = slow
    bench.embedder = TinyEmbedder()
    second = bench.worker(NAMES_OF_ANOTHER)
    _until(bench, second, 3)
    assert {partition for partition, _ in bench.responses()} == {1}  # what has moved was answered there
    held.let_go.set()
    _until(bench, second, 6)
    turns([second], 3)
    assert Counter(bench.answered()) == {f"q{number}": 1 for number in range(6)}


def test_what_went_to_another_and_came_back_answered_is_not_answered_again(
    bench: Bench, slow: tuple[Held, Thread, Event]
) -> None:
    held, _, _ = slow
    bench.embedder = TinyEmbedder()
    second = bench.worker(NAMES_OF_ANOTHER)
    _until(bench, second, 3)
    second.close()
    wait_for(lambda: bench.log.group_settled(NAMES.group), what="the first has all again", within=20)
    held.let_go.set()
    wait_for(lambda: len(bench.answered()) >= 6, what="the rest", within=20)
    wait_for(lambda: bench.committed() == {0: 3, 1: 3}, what="the offsets", within=20)
    assert Counter(bench.answered()) == {f"q{number}": 1 for number in range(6)}


def test_a_worker_that_is_told_to_stop_does_not_wait_for_its_answers(
    bench: Bench, slow: tuple[Held, Thread, Event]
) -> None:
    _, thread, stop = slow
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert (bench.answered(), bench.committed()) == ([], {})


def test_nothing_is_lost_of_answers_that_took_long(bench: Bench, slow: tuple[Held, Thread, Event]) -> None:
    held, _, _ = slow
    held.let_go.set()
    wait_for(lambda: len(bench.answered()) == 6, what="all answers", within=20)
    assert bench.committed() == {0: 3, 1: 3}


def _until(bench: Bench, worker: Worker, answers: int) -> None:
    def there() -> bool:
        worker.turn(64)
        return len(bench.answered()) >= answers

    wait_for(there, what=f"{answers} answers", within=20)


NAMES_OF_ANOTHER = Names(
    queries=NAMES.queries,
    responses=NAMES.responses,
    dead_letters=NAMES.dead_letters,
    group=NAMES.group,
    transactional_id="test-serving-b",
)
