"""The pace of the stream: what it waits for, and that it waits for nothing where somebody waits for it."""

import time

import pytest

from freshline.cache.memory_tail import MemoryTail, MemoryTails
from freshline.cache.port import NoTailStreams
from freshline.ingest.result import PassResult
from freshline.settings import RedisSettings, Settings, StreamSettings, TailSettings
from streaming.pacing import Pace


def settings(*, redis: str = "redis://localhost", enabled: bool = True, trigger: float = 0.0) -> Settings:
    return Settings(
        redis=RedisSettings(url=redis),
        tail=TailSettings(enabled=enabled),
        stream=StreamSettings(trigger=trigger),
    )


@pytest.mark.parametrize(
    ("redis", "enabled", "trigger", "expected"),
    [
        ("redis://localhost", True, 0.0, 1.0),
        ("redis://localhost", True, 3.0, 3.0),
        ("redis://localhost", False, 0.0, 0.0),
        ("none", True, 0.5, 0.5),
    ],
)
def test_batches_gather_for_a_second_where_the_tail_answers(
    redis: str, enabled: bool, trigger: float, expected: float
) -> None:
    assert Pace(settings(redis=redis, enabled=enabled, trigger=trigger), NoTailStreams()).least == expected


NOW = time.time_ns() // 1_000_000
#: long after any test of this run
LATER = NOW + 86_400_000


def batch(records: int = 8, ms: int = NOW - 1000, partitions: tuple[int, ...] = (0, 2)) -> PassResult:
    """Return a batch whose last record in each of these partitions came then."""
    return PassResult(accepted=records, clocks={"documents": dict.fromkeys(partitions, ms)})


def tail(*partitions: int) -> MemoryTail:
    """Return a tail with an entry in these, of now."""
    tails = MemoryTail()
    for partition in partitions:
        tails.append(partition, b"entry")
    return tails


@pytest.mark.parametrize(
    ("why", "read", "took", "expected"),
    [
        ("a third of the time", batch(), 0.5, 1.0),
        ("never longer than four seconds from start to start", batch(), 3.0, 1.0),
        ("a batch that took longer than that", batch(), 5.0, 0.0),
        ("an entry that is older than the record", batch(ms=LATER), 0.5, 0.0),
        ("a partition without entries", batch(partitions=(0, 1, 2)), 0.5, 0.0),
        ("few records", batch(7), 0.5, 0.0),
        ("many records", batch(257), 0.5, 0.0),
        ("nothing read", PassResult(), 0.5, 0.0),
    ],
)
def test_a_batch_rests_only_where_the_tail_had_what_it_brought(
    why: str, read: PassResult, took: float, expected: float
) -> None:
    pace = Pace(settings(), tail(0, 2))
    pace.learn(read, took)
    assert pace.rest == expected, why


def test_a_batch_that_tells_otherwise_ends_the_rests() -> None:
    pace = Pace(settings(), tail(0, 2))
    pace.learn(batch(), 0.5)
    pace.learn(batch(partitions=(1,)), 0.5)
    assert pace.rest == 0.0


def test_no_rest_without_a_tail() -> None:
    away = MemoryTails()
    away.become("away")
    for none in (NoTailStreams(), MemoryTail(), MemoryTail(away)):
        pace = Pace(settings(), none)
        pace.learn(batch(), 0.5)
        assert pace.rest == 0.0
