"""The answer cache on a real redis-server: planted values; a server that is flushed, full or gone in between."""

import dataclasses
import os
import secrets
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from redis import Redis

from freshline.cache.redis_answers import RedisAnswerCache
from freshline.embedded import redis_server
from freshline.generation.cached import CachedGenerator
from freshline.generation.port import Answer, Question
from freshline.generation.remembered import key_of
from serving.worker import Worker
from tests.support.generators import Scripted, first_word, hit, question
from tests.support.serving import NAMES, Bench, TinyLake
from tests.support.waiting import wait_for

pytestmark = pytest.mark.integration

KEY = b"k" * 32
TOWER = question("how high", hit("Tall tower.", "tower"))
BRIDGE = question("how long", hit("Long bridge.", "bridge"))


@pytest.fixture
def deployment() -> str:
    return secrets.token_hex(8)


def behind(
    url: str,
    deployment: str,
    generator: Scripted,
    *,
    key: bytes = KEY,
    ttl: float = 60.0,
    claim: float = 30.0,
) -> CachedGenerator:
    return CachedGenerator(generator, RedisAnswerCache(url, deployment, key, ttl, claim=claim))


def name(deployment: str, asked: Question) -> str:
    return f"freshline:answer:1:{deployment}:{key_of(asked, 'scripted/1')}"


def test_a_tampered_foreign_or_copied_value_is_a_miss(redis_url: str, deployment: str) -> None:
    generator = Scripted()
    cached = behind(redis_url, deployment, generator)
    cached.answer([TOWER, BRIDGE])
    redis = Redis.from_url(redis_url, protocol=2)
    ours, others = redis.get(name(deployment, TOWER)), redis.get(name(deployment, BRIDGE))
    assert isinstance(ours, bytes)
    assert isinstance(others, bytes)
    flipped = bytes([*ours[:12], ours[12] ^ 1, *ours[13:]])
    planted = [flipped, others, ours[:-1], ours[:16], ours[:-16], b"", b"x" * 40]
    for number, value in enumerate(planted):
        redis.set(name(deployment, TOWER), value)
        assert cached.answer([TOWER]) == [first_word(TOWER)]
        assert generator.generated == 3 + number  # 2 at first, one for each that is not believed
    redis.set(name(deployment, TOWER), ours)
    assert cached.answer([TOWER]) == [first_word(TOWER)]
    assert generator.generated == 2 + len(planted)
    redis.close()


def test_another_secret_or_deployment_is_a_miss(redis_url: str, deployment: str) -> None:
    behind(redis_url, deployment, Scripted()).answer([TOWER])
    for key, other in ((b"x" * 32, deployment), (KEY, "another")):
        generator = Scripted()
        assert behind(redis_url, other, generator, key=key).answer([TOWER]) == [first_word(TOWER)]
        assert generator.generated == 1


def test_an_answer_leaves_after_its_time_used_or_not(redis_url: str, deployment: str) -> None:
    redis = Redis.from_url(redis_url, protocol=2)
    behind(redis_url, deployment, Scripted(), ttl=1.0).answer([TOWER])
    assert 0 < redis.pttl(name(deployment, TOWER)) <= 1000
    hit_again = Scripted()
    behind(redis_url, deployment, hit_again, ttl=60.0).answer([TOWER])
    assert hit_again.generated == 0
    assert redis.pttl(name(deployment, TOWER)) <= 1000
    assert redis.exists(name(deployment, TOWER).replace(":answer:", ":making:")) == 0
    redis.close()


def serve(worker: Worker, stop: Event) -> None:
    while not stop.is_set():
        worker.turn(16)


def test_two_hundred_identical_questions_to_two_workers_are_generated_once(
    redis_url: str, deployment: str, tmp_path: Path
) -> None:
    lake = TinyLake(tmp_path)
    lake.publish({"tower": "Tall tower."}, end={"documents": {0: 1}}, newest_event_ms=1)
    bench = Bench(lake.snapshot())
    generators = [Scripted(seconds=0.3), Scripted(seconds=0.3)]
    workers = [
        bench.worker(
            dataclasses.replace(NAMES, transactional_id=str(place)), by=behind(redis_url, deployment, one)
        )
        for place, one in enumerate(generators)
    ]
    for number in range(200):
        bench.ask(f"q{number}", "how high", partition=number % 2)
    stop = Event()
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(serve, worker, stop) for worker in workers]
        try:
            wait_for(lambda: len(bench.answered()) == 200, what="200 answers", within=60.0, every=0.05)
        finally:
            stop.set()
        assert [one.result(10.0) for one in running] == [None, None]
    responses = [response for _, response in bench.responses()]
    assert len({response["query_id"] for response in responses}) == 200
    assert {(response["text"], len(response["citations"])) for response in responses} == {("Tall", 1)}
    assert sum(generator.generated for generator in generators) == 1


# in the middle: while one generates and another waits


def flushed(server: redis_server.RedisServer) -> None:
    with Redis.from_url(server.url, protocol=2) as redis:
        redis.flushall()


def frozen(server: redis_server.RedisServer) -> None:
    os.kill(server.pid, signal.SIGSTOP)


def gone(server: redis_server.RedisServer) -> None:
    server.kill()


def full(server: redis_server.RedisServer) -> None:
    with Redis.from_url(server.url, protocol=2) as redis:
        redis.config_set("maxmemory", 1)  # with noeviction every write is refused


@pytest.mark.faults
@pytest.mark.parametrize("fault", [flushed, frozen, gone, full])
def test_what_happens_to_redis_in_the_middle_costs_time_never_an_answer(
    fault: Callable[[redis_server.RedisServer], None], own_redis: redis_server.RedisServer
) -> None:
    begun = Event()

    def slow(asked: Question) -> Answer:
        begun.set()
        time.sleep(0.2)  # the other waits for this claim by now
        fault(own_redis)
        return first_word(asked)

    first = behind(own_redis.url, "d", Scripted(slow), claim=5.0)
    second = behind(own_redis.url, "d", Scripted(), claim=5.0)
    try:
        with ThreadPoolExecutor(1) as pool:
            answers = pool.submit(first.answer, [TOWER])
            assert begun.wait(10.0)
            assert second.answer([TOWER, BRIDGE]) == [first_word(TOWER), first_word(BRIDGE)]
            assert answers.result(10.0) == [first_word(TOWER)]
        third = behind(own_redis.url, "d", Scripted(), claim=5.0)
        assert third.answer([BRIDGE]) == [first_word(BRIDGE)]
    finally:
        if fault is frozen:
            os.kill(own_redis.pid, signal.SIGCONT)
