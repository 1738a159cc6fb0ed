"""The contract of the tail's streams: the twin in memory and the ones in a real Redis both pass."""

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from freshline.cache.memory_tail import MemoryTail, MemoryTails
from freshline.cache.port import TailStreams
from freshline.cache.redis_tail import RedisTail, tail_prefix

#: Gives one process' view of the tail of this generation; all see the same entries.
NewTail = Callable[[int], TailStreams]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
def new_tail(request: pytest.FixtureRequest) -> NewTail:
    if request.param == "memory":
        shared = MemoryTails()
        return lambda generation: MemoryTail(shared, str(generation))
    url, deployment = request.getfixturevalue("redis_url"), secrets.token_hex(8)
    return lambda generation: RedisTail(url, tail_prefix(deployment, "t", generation, "f"), b"k" * 32)


def appended(tail: TailStreams, partition: int, *values: bytes) -> list[str]:
    numbers = [tail.append(partition, value) for value in values]
    assert None not in numbers
    return [number for number in numbers if number is not None]


def read_all(tail: TailStreams, after: Mapping[int, str]) -> dict[int, list[tuple[str, bytes | None]]]:
    """Return what read() gives until it gives nothing more, going on after the last id each time."""
    last, found = dict(after), dict[int, list[tuple[str, bytes | None]]]()
    while True:
        news = tail.read(last, 0.0)
        assert news is not None
        if not news:
            return found
        for partition, entries in news.items():
            found.setdefault(partition, []).extend(entries)
            last[partition] = entries[-1][0]


def test_another_process_reads_byte_for_byte_what_was_appended_in_order(new_tail: NewTail) -> None:
    owner, worker = new_tail(1), new_tail(1)
    values = [b"", bytes(range(256)), b"x" * 3_000_000, b"same", b"same"]
    numbers = appended(owner, 0, *values)
    assert len(set(numbers)) == 5
    assert worker.entries(0) == list(zip(numbers, values, strict=True))
    assert read_all(worker, {0: ""}) == {0: list(zip(numbers, values, strict=True))}


def test_each_partition_is_read_after_its_own_id(new_tail: NewTail) -> None:
    owner, worker = new_tail(1), new_tail(1)
    zero, one = appended(owner, 0, b"a", b"b", b"c"), appended(owner, 1, b"d")
    appended(owner, 2, b"not asked for")
    assert read_all(worker, {0: zero[0], 1: "", 3: ""}) == {
        0: [(zero[1], b"b"), (zero[2], b"c")],
        1: [(one[0], b"d")],
    }
    assert worker.read({0: zero[2], 1: one[0], 3: ""}, 0.0) == {}
    (later,) = appended(owner, 3, b"e")
    assert worker.read({0: zero[2], 1: one[0], 3: ""}, 0.0) == {3: [(later, b"e")]}


def test_many_entries_are_read_in_order_and_each_once(new_tail: NewTail) -> None:
    owner = new_tail(1)
    values = [str(number).encode() for number in range(100)]
    numbers = appended(owner, 0, *values)
    assert read_all(new_tail(1), {0: "", 1: ""}) == {0: list(zip(numbers, values, strict=True))}


def test_who_waits_hears_what_is_appended_meanwhile(new_tail: NewTail) -> None:
    owner, worker = new_tail(1), new_tail(1)
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(worker.read, {0: "", 1: ""}, 20.0)
        time.sleep(0.1)  # so that it most likely waits; the outcome is the same if not
        (number,) = appended(owner, 1, b"a")
        assert heard.result(10.0) == {1: [(number, b"a")]}


@pytest.mark.parametrize("after", [{0: ""}, {}])
def test_waiting_for_nothing_is_plain_waiting(new_tail: NewTail, after: dict[int, str]) -> None:
    tail = new_tail(1)
    started = time.monotonic()
    assert tail.read(after, 0.2) == {}
    assert time.monotonic() - started >= 0.19  # no busy loop


def test_what_is_trimmed_is_gone_and_the_rest_is_there(new_tail: NewTail) -> None:
    owner, worker = new_tail(1), new_tail(1)
    numbers = appended(owner, 0, b"a", b"b", b"c")
    (other,) = appended(owner, 1, b"d")
    owner.trim(0, numbers[1])
    owner.trim(2, numbers[1])  # nothing there
    assert worker.entries(0) == [(numbers[1], b"b"), (numbers[2], b"c")]
    assert read_all(worker, {0: "", 1: ""}) == {
        0: [(numbers[1], b"b"), (numbers[2], b"c")],
        1: [(other, b"d")],
    }
    assert read_all(worker, {0: numbers[0]}) == {0: [(numbers[1], b"b"), (numbers[2], b"c")]}
    (later,) = appended(owner, 0, b"e")
    owner.trim(0, later)
    assert worker.entries(0) == [(later, b"e")]
    assert read_all(worker, {0: numbers[2]}) == {0: [(later, b"e")]}


def test_another_generation_is_another_tail(new_tail: NewTail) -> None:
    appended(new_tail(1), 0, b"a")
    other = new_tail(2)
    assert other.entries(0) == []
    assert other.read({0: ""}, 0.0) == {}


def test_nothing_was_appended(new_tail: NewTail) -> None:
    tail = new_tail(1)
    assert tail.entries(7) == []
    assert tail.read({7: ""}, 0.0) == {}
    tail.close()


def test_when_each_stream_was_appended_to_last(new_tail: NewTail) -> None:
    owner, stream = new_tail(1), new_tail(1)
    assert stream.newest([0, 1]) == {}
    before = time.time_ns() // 1_000_000
    appended(owner, 0, b"first")
    first = stream.newest([0, 1])
    assert first is not None
    assert first.keys() == {0}
    assert before <= first[0] <= time.time_ns() // 1_000_000
    time.sleep(0.01)
    appended(owner, 0, b"second")
    appended(owner, 1, b"other")
    later = stream.newest([0, 1])
    assert later is not None
    assert later[0] > first[0]
    assert later[1] >= later[0]
    assert stream.newest([1]) == {1: later[1]}
