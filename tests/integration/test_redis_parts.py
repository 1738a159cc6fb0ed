"""Cache, hints and heartbeats on a real redis-server, also killed, frozen, flushed and tampered with."""

import os
import secrets
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from freshline.cache.redis_embeddings import RedisEmbeddingCache
from freshline.cache.redis_heartbeats import RedisHeartbeats
from freshline.cache.redis_hints import RedisHints
from freshline.clock import ManualClock
from freshline.embedded import redis_server
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.port import Vectors
from freshline.embedding.tiny import TinyEmbedder
from freshline.metrics import REGISTRY
from tests.support.waiting import wait_for

pytestmark = pytest.mark.integration

VECTOR = np.arange(384, dtype=np.float32)
KEY = b"k" * 32


def cache_of(url: str, fingerprint: str, key: bytes = KEY, ttl: float = 60.0) -> RedisEmbeddingCache:
    return RedisEmbeddingCache(url, fingerprint, key, ttl)


def remembers(cache: RedisEmbeddingCache, text: str) -> bool:
    return cache.get([text])[0] is not None


def put_and_get(cache: RedisEmbeddingCache) -> bool:
    cache.put({"t": VECTOR})
    return remembers(cache, "t")


def told(sender: RedisHints, waiting: RedisHints) -> bool:
    sender.notify(2)
    return waiting.wait(0.1)


def faults(operation: str) -> float:
    return REGISTRY.get_sample_value("freshline_redis_faults_total", {"operation": operation}) or 0.0


@pytest.fixture
def fingerprint() -> str:
    return secrets.token_hex(8)


def test_another_fingerprint_or_secret_is_a_miss(redis_url: str, fingerprint: str) -> None:
    cache_of(redis_url, fingerprint).put({"t": VECTOR})
    assert remembers(cache_of(redis_url, fingerprint), "t")
    assert not remembers(cache_of(redis_url, fingerprint, key=b"x" * 32), "t")
    assert not remembers(cache_of(redis_url, "other"), "t")


def test_damaged_foreign_and_swapped_values_are_misses(redis_url: str, fingerprint: str) -> None:
    cache = cache_of(redis_url, fingerprint)
    redis = Redis.from_url(redis_url, protocol=2)
    cache.put({"t": VECTOR, "u": VECTOR + 1})
    keys = list(redis.scan_iter(f"freshline:embedding:1:{fingerprint}:*"))
    assert len(keys) == 2
    whole, other = (redis.get(key) for key in keys)
    assert isinstance(whole, bytes)
    assert isinstance(other, bytes)
    assert len(whole) == 384 * 4 + 16
    flipped = bytes([whole[0] ^ 1]) + whole[1:]
    for damaged in (flipped, whole[:-1], whole[4:], whole[:16], b"", b"x" * len(whole), other):
        redis.set(keys[0], damaged)
        assert [remembers(cache, text) for text in ("t", "u")].count(True) == 1
    redis.delete(keys[0])
    redis.lpush(keys[0], "a list")
    assert [remembers(cache, text) for text in ("t", "u")].count(True) == 1
    redis.close()


def test_values_leave_after_their_time_and_use_renews_it(redis_url: str, fingerprint: str) -> None:
    redis = Redis.from_url(redis_url, protocol=2)
    cache_of(redis_url, fingerprint, ttl=1.0).put({"t": VECTOR})
    (key,) = redis.scan_iter(f"freshline:embedding:1:{fingerprint}:*")
    assert 0 < redis.pttl(key) <= 1_000
    assert remembers(cache_of(redis_url, fingerprint, ttl=60.0), "t")
    assert 1_000 < redis.pttl(key) <= 60_000
    redis.pexpire(key, 1)
    wait_for(
        lambda: not redis.exists(key), what="expiry", within=5.0, every=0.01
    )  # asking the cache would renew it
    assert not remembers(cache_of(redis_url, fingerprint), "t")
    redis.close()


def test_a_claim_ends_by_itself_and_says_nothing_of_the_text(redis_url: str, fingerprint: str) -> None:
    redis = Redis.from_url(redis_url, protocol=2)
    assert cache_of(redis_url, fingerprint).claim(["t"]) == [True]
    (key,) = redis.scan_iter(f"freshline:embedding-claim:1:{fingerprint}:*")
    assert 0 < redis.pttl(key) <= 5_000
    assert redis.get(key) == b""
    redis.delete(key)
    assert cache_of(redis_url, fingerprint).claim(["t"]) == [True]
    redis.close()


def test_two_processes_that_miss_the_same_texts_embed_each_once(redis_url: str, fingerprint: str) -> None:
    both_begun = threading.Barrier(2)

    class Slow(TinyEmbedder):
        """Embeds when both have missed and claimed."""

        def documents(self, texts: Sequence[str]) -> Vectors:
            both_begun.wait(10.0)
            return super().documents(texts)

    # a clock that stands still: each waits until the other's are there
    two = [
        CachedEmbedder(Slow(), cache_of(redis_url, fingerprint), claims=True, clock=ManualClock())
        for _ in range(2)
    ]
    calls = [["a", "b", "c", "one"], ["c", "b", "d", "two"]]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(one.documents, texts) for one, texts in zip(two, calls, strict=True)]
        for run, texts in zip(runs, calls, strict=True):
            assert np.array_equal(run.result(20.0), TinyEmbedder().documents(texts))
    assert sum(one.embedded for one in two) == 6  # a, b, c, d, one, two
    assert [one.embedded + one.hits for one in two] == [4, 4]


@pytest.mark.faults
def test_without_a_server_every_text_is_ours_and_nobody_waits(own_redis: redis_server.RedisServer) -> None:
    own_redis.kill()
    slept: list[float] = []
    cached = CachedEmbedder(TinyEmbedder(), cache_of(own_redis.url, "f"), claims=True, sleep=slept.append)
    assert np.array_equal(cached.documents(["a", "b"]), TinyEmbedder().documents(["a", "b"]))
    assert (cached.embedded, cached.hits, slept) == (2, 0, [])


@pytest.mark.faults
def test_a_frozen_server_costs_one_time_out_and_is_used_again(own_redis: redis_server.RedisServer) -> None:
    cache = cache_of(own_redis.url, "f")
    texts = {f"t{number}": VECTOR for number in range(600)}
    cache.put(texts)
    before = faults("embedding_get")
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        for _ in range(3):
            assert cache.get(list(texts)) == [None] * 600
            cache.put(texts)
        took = time.monotonic() - started
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    assert faults("embedding_get") - before <= 2
    assert took < 1.5  # a time-out is .2 s, and nine round trips were asked for; the rest is a slow machine
    wait_for(lambda: remembers(cache, "t1"), what="the cache after the freeze", within=15.0)


@pytest.mark.faults
def test_a_killed_server_is_a_miss_and_its_successor_is_used(tmp_path: Path) -> None:
    settings = redis_server.RedisServerSettings(directory=tmp_path, binary=redis_server.find(os.environ))
    first = redis_server.start(settings)
    cache, hints = cache_of(first.url, "f"), RedisHints(first.url, "d")
    cache.put({"t": VECTOR})
    assert remembers(cache, "t")
    assert hints.wait(5.0)
    first.kill()
    assert cache.get(["t"]) == [None]
    cache.put({"t": VECTOR})
    hints.notify(1)
    started = time.monotonic()
    assert not hints.wait(0.3)
    assert time.monotonic() - started >= 0.29  # plain waiting, no busy loop
    port = int(first.url.rpartition(":")[2].partition("/")[0])
    second = redis_server.start(
        redis_server.RedisServerSettings(directory=tmp_path, binary=settings.binary, port=port)
    )
    try:
        wait_for(lambda: put_and_get(cache), what="the new server", within=15.0)
        wait_for(lambda: hints.wait(0.1), what="a new subscription", within=15.0)
    finally:
        hints.close()
        second.stop()


def test_a_hint_wakes_who_waits_and_only_its_own_deployment(redis_url: str) -> None:
    here, there = secrets.token_hex(4), secrets.token_hex(4)
    waiting, other, sender = (
        RedisHints(redis_url, here),
        RedisHints(redis_url, there),
        RedisHints(redis_url, here),
    )
    assert waiting.wait(5.0)  # the subscription
    assert other.wait(5.0)
    with ThreadPoolExecutor(1) as pool:
        woken = pool.submit(waiting.wait, 20.0)
        sender.notify(7)
        assert woken.result(10.0)
    sender.notify(8)
    sender.notify(9)
    wait_for(lambda: waiting.wait(0.05), what="a hint sent before", within=5.0)
    wait_for(lambda: not waiting.wait(0.05), what="several hints being one", within=5.0)
    assert not other.wait(0.05)
    for hints in (waiting, other, sender):
        hints.close()


@pytest.mark.faults
def test_waiting_on_a_frozen_server_is_plain_waiting(own_redis: redis_server.RedisServer) -> None:
    waiting, sender = RedisHints(own_redis.url, "d"), RedisHints(own_redis.url, "d")
    assert waiting.wait(5.0)
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert not waiting.wait(0.2)
        assert 0.19 <= time.monotonic() - started < 2.0
        sender.notify(1)
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    wait_for(lambda: told(sender, waiting), what="hints after the freeze", within=15.0)
    waiting.close()
    sender.close()


def test_heartbeats_are_heard_until_they_stop(redis_url: str) -> None:
    deployment = secrets.token_hex(4)
    beats = RedisHeartbeats(redis_url, deployment, ttl=0.5)
    beats.beat("worker:b", {"seq": 2})
    beats.beat("worker:é a", {"seq": 1, "partitions": [0, 1]})
    alive = beats.alive()
    assert alive == {"worker:b": {"seq": 2}, "worker:é a": {"seq": 1, "partitions": [0, 1]}}
    assert RedisHeartbeats(redis_url, "another").alive() == {}
    wait_for(lambda: not beats.alive(), what="silence", within=10.0)


def test_foreign_heartbeats_are_left_out(redis_url: str) -> None:
    deployment = secrets.token_hex(4)
    redis = Redis.from_url(redis_url, protocol=2)
    for name, value in {"bad": b"\xff{", "list": b"[1]", "good": b'{"a": 1}'}.items():
        redis.set(f"freshline:alive:{deployment}:{name}", value, px=60_000)
    redis.close()
    assert RedisHeartbeats(redis_url, deployment).alive() == {"good": {"a": 1}}


def test_one_cache_serves_several_threads(redis_url: str, fingerprint: str) -> None:
    cache = cache_of(redis_url, fingerprint)
    start = threading.Barrier(4)

    def work(number: int) -> bool:
        start.wait()
        texts = {f"{number}-{place}": VECTOR + place for place in range(50)}
        cache.put(texts)
        found = cache.get(list(texts))
        return all(
            v is not None and v.tobytes() == texts[t].tobytes() for t, v in zip(texts, found, strict=True)
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4
