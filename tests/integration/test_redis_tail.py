"""The tail's streams on a real redis-server: planted values; a server that is killed, frozen, flushed, or behind."""

import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from freshline.cache.redis_tail import RedisTail, tail_prefix
from freshline.clock import ManualClock
from freshline.embedded import redis_server
from tests.support.waiting import wait_for

pytestmark = pytest.mark.integration

KEY = b"k" * 32
LAST_ID = "18446744073709551615-18446744073709551615"


@pytest.fixture
def prefix() -> str:
    return tail_prefix(secrets.token_hex(8), "documents", 3, "f")


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_url, protocol=2)
    yield client
    client.close()


def append(tail: RedisTail, value: bytes) -> str:
    number = tail.append(0, value)
    assert number is not None
    return number


def sealed(redis: Redis, key: str) -> bytes:
    """Return what the first entry holds."""
    found: Any = redis.xrange(key)
    value = found[0][1][b"v"]
    assert isinstance(value, bytes)
    return value


def test_where_a_tail_lies_and_that_it_leaves_after_an_hour(redis_url: str, redis: Redis) -> None:
    deployment = secrets.token_hex(8)
    append(RedisTail(redis_url, tail_prefix(deployment, "documents", 3, "f"), KEY), b"value")
    key = f"freshline:tail:1:{deployment}:documents:3:f:0"
    assert len(sealed(redis, key)) == 5 + 16
    assert 0 < redis.pttl(key) <= 3_600_000


def test_what_is_not_ours_is_none_and_left_out_of_entries(redis_url: str, prefix: str, redis: Redis) -> None:
    tail = RedisTail(redis_url, prefix, KEY)
    key, first = f"{prefix}:0", append(tail, b"value")
    tail.append(1, b"of another partition")
    whole, others = sealed(redis, key), sealed(redis, f"{prefix}:1")
    flipped = bytes([whole[0] ^ 1]) + whole[1:]
    for planted in (flipped, whole[:-1], whole[:16], b"", b"x" * 40, others):
        redis.xadd(key, {"v": planted})
    redis.xadd(key, {"w": whole})
    last = append(tail, b"after them")
    news = tail.read({0: ""}, 0.0)
    assert news is not None
    assert [value for _, value in news[0]] == [b"value", *[None] * 7, b"after them"]
    assert (news[0][0][0], news[0][-1][0]) == (first, last)
    assert tail.entries(0) == [(first, b"value"), (last, b"after them")]


def test_another_secret_reads_nothing(redis_url: str, prefix: str) -> None:
    number = append(RedisTail(redis_url, prefix, KEY), b"value")
    other = RedisTail(redis_url, prefix, b"x" * 32)
    assert other.entries(0) == []
    assert other.read({0: ""}, 0.0) == {0: [(number, None)]}


def test_an_untrimmed_stream_is_bounded(redis_url: str, prefix: str, redis: Redis) -> None:
    tail = RedisTail(redis_url, prefix, KEY)
    with redis.pipeline(transaction=False) as pipe:
        for _ in range(11_000):
            pipe.xadd(f"{prefix}:0", {"v": b""})
        pipe.execute()
    append(tail, b"value")
    assert 10_000 <= redis.xlen(f"{prefix}:0") < 10_200  # whole nodes of 100 entries go


def test_a_stream_made_anew_by_a_server_that_is_behind_is_read_from_its_first_entry(
    redis_url: str, prefix: str
) -> None:
    clock = ManualClock()
    owner, worker = RedisTail(redis_url, prefix, KEY), RedisTail(redis_url, prefix, KEY, clock)
    other = owner.append(1, b"elsewhere")
    assert other is not None
    assert worker.read({0: "99999999999999-0", 1: other}, 0.0) == {}  # nothing there yet; this was a look
    numbers = [append(owner, value) for value in (b"a", b"b")]
    assert worker.read({0: "99999999999999-0", 1: other}, 0.0) == {}
    clock.advance(1.0)
    assert worker.read({0: "99999999999999-0", 1: other}, 0.0) == {
        0: [(numbers[0], b"a"), (numbers[1], b"b")]
    }
    assert worker.read({0: numbers[1], 1: other}, 0.0) == {}
    clock.advance(1.0)
    assert worker.read({0: numbers[1], 1: other}, 0.0) == {}  # caught up is not anew


def no_stream(redis: Redis, key: str) -> None:
    redis.set(key, b"x")


def no_more_ids(redis: Redis, key: str) -> None:
    redis.xadd(key, {"v": b""}, id=LAST_ID)


@pytest.mark.parametrize("plant", [no_stream, no_more_ids])
def test_a_foreign_key_that_takes_no_entry_goes(
    plant: object, redis_url: str, prefix: str, redis: Redis
) -> None:
    assert callable(plant)
    plant(redis, f"{prefix}:0")
    clock = ManualClock()
    tail = RedisTail(redis_url, prefix, KEY, clock)
    assert tail.append(0, b"value") is None
    clock.advance(0.6)  # the guard's first pause is .5 s
    number = append(tail, b"value")
    assert tail.read({0: LAST_ID}, 0.0) == {0: [(number, b"value")]}


def test_a_foreign_key_does_not_keep_the_other_partitions_from_being_read(
    redis_url: str, prefix: str, redis: Redis
) -> None:
    clock = ManualClock()
    owner, worker = RedisTail(redis_url, prefix, KEY, clock), RedisTail(redis_url, prefix, KEY, clock)
    number = append(owner, b"value")
    for after in ("", number):  # with an id the ends are looked at, too
        no_stream(redis, f"{prefix}:1")
        assert worker.read({0: "", 1: after}, 0.0) is None
        clock.advance(2.0)  # longer than the guard's pause and until the next look at the ends
        assert worker.read({0: "", 1: after}, 0.0) == {0: [(number, b"value")]}
    no_stream(redis, f"{prefix}:1")
    assert owner.entries(1) is None
    clock.advance(2.0)
    assert owner.entries(1) == []


# a server that fails


def appends_and_reads(owner: RedisTail, worker: RedisTail, after: str) -> bool:
    number = owner.append(0, b"recovered")
    news = worker.read({0: after}, 0.0)
    return number is not None and news is not None and (number, b"recovered") in news.get(0, [])


@pytest.mark.faults
def test_a_frozen_server_is_noticed_and_used_again(own_redis: redis_server.RedisServer, prefix: str) -> None:
    owner, worker = RedisTail(own_redis.url, prefix, KEY), RedisTail(own_redis.url, prefix, KEY)
    first = append(owner, b"value")
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert worker.read({0: first}, 60.0) is None
        assert worker.read({0: first}, 60.0) is None
        assert (owner.append(0, b"unsure"), owner.entries(0)) == (None, None)
        owner.trim(0, first)
        took = time.monotonic() - started
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    assert took < 10.0  # two time-outs of .2 s and a slow machine, but not 60 s
    wait_for(lambda: appends_and_reads(owner, worker, first), what="the tail after the freeze", within=15.0)
    kept = owner.entries(0)
    assert kept is not None
    assert {value for _, value in kept} <= {b"value", b"unsure", b"recovered"}


@pytest.mark.faults
def test_a_killed_server_is_noticed_and_its_successor_is_used(tmp_path: Path, prefix: str) -> None:
    settings = redis_server.RedisServerSettings(directory=tmp_path, binary=redis_server.find(os.environ))
    first = redis_server.start(settings)
    owner, worker = RedisTail(first.url, prefix, KEY), RedisTail(first.url, prefix, KEY)
    number = append(owner, b"value")
    first.kill()
    assert worker.read({0: number}, 60.0) is None
    assert (owner.append(0, b"lost"), owner.entries(0)) == (None, None)
    port = int(first.url.rpartition(":")[2].partition("/")[0])
    second = redis_server.start(
        redis_server.RedisServerSettings(directory=tmp_path, binary=settings.binary, port=port)
    )
    try:
        wait_for(lambda: appends_and_reads(owner, worker, number), what="the new server", within=15.0)
        kept = owner.entries(0)
        assert kept is not None
        assert {value for _, value in kept} == {b"recovered"}
    finally:
        second.stop()


@pytest.mark.faults
def test_after_a_flush_only_the_new_is_there_and_read(
    own_redis: redis_server.RedisServer, prefix: str
) -> None:
    owner, worker = RedisTail(own_redis.url, prefix, KEY), RedisTail(own_redis.url, prefix, KEY)
    number = append(owner, b"value")
    with Redis.from_url(own_redis.url, protocol=2) as redis:
        redis.flushall()
    assert owner.entries(0) == []
    assert worker.read({0: number}, 0.0) == {}
    later = append(owner, b"later")
    assert worker.read({0: number}, 0.0) == {0: [(later, b"later")]}
