"""Redis killed, flushed and frozen in the middle of a stream of edits, with questions all the while.

Each fault is healed and no process is started again: every answer is true at its stamp, what cannot be seen in time is
named as missing, and afterwards documents are answered from before they are durable, as before the fault.
"""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from schemas.messages import Response
from tests.support import independent
from tests.support.own_redis import OwnRedis
from tests.support.tail_stack import WITHIN, Tails, naming, shows
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(240)]

ROUNDS = 70
#: s; so long a question waits while Redis is away, before it says what it misses
PATIENCE = 1.5


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    made = OwnRedis(tmp_path_factory.mktemp("redis"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tails(broker: str, redis: OwnRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tails]:
    made = Tails(broker, tmp_path_factory.mktemp("tails"), f"tr{uuid4().hex[:8]}", redis.url)
    try:
        made.owner("owner")
        made.worker("worker")
        made.ready("owner", "worker")
        fresh(made, "before")
        yield made
    finally:
        made.close()


def fresh(tails: Tails, doc_id: str) -> Response:
    """Wait until a document is answered from before it is durable."""

    def seen() -> Response | None:
        text = shows(doc_id)
        response = tails.ask(doc_id, naming(doc_id), tails.put(doc_id, text), timeout=3)
        return response if response.stale is None and response.text == text else None

    response = wait_for(seen, what=f"{doc_id} answered from the tail", within=WITHIN)
    assert response is not None
    assert tails.ahead([response]) == 1
    return response


def suffer(tails: Tails, harm: Callable[[], None], heal: Callable[[], None]) -> list[Response]:
    """Edit and ask; harm Redis after some rounds and heal it later, with a batch decided meanwhile."""
    rounds = {ROUNDS // 4: harm, ROUNDS // 2: tails.batches.decide, 3 * ROUNDS // 4: heal}
    return tails.edit_and_ask(ROUNDS, rounds, patience=PATIENCE)


def check(tails: Tails, before: list[int]) -> None:
    """Freshness comes back by itself, nothing that was answered is wrong, and nothing is lost."""
    tails.batches.decide()
    fresh(tails, "after")
    tails.batches.decide()
    tails.edit_and_ask(10)
    assert tails.faults() == {}
    assert [tails.named[name].process.pid for name in ("owner", "worker")] == before
    assert all(tails.named[name].process.poll() is None for name in ("owner", "worker"))
    for number in range(12):  # whatever is live is there: `missed` would say so
        tails.ask(f"beacon{number:04d}", naming(f"beacon{number:04d}"))
    assert tails.faults() == {}


@pytest.fixture
def pids(tails: Tails) -> list[int]:
    return [tails.named[name].process.pid for name in ("owner", "worker")]


def stale(responses: list[Response]) -> int:
    return sum(response.stale is not None for response in responses)


def test_redis_killed(tails: Tails, redis: OwnRedis, pids: list[int]) -> None:
    responses = suffer(tails, redis.kill, redis.back)
    assert tails.ahead(responses) > 0
    assert stale(responses) > 0
    check(tails, pids)


def test_redis_frozen(tails: Tails, redis: OwnRedis, pids: list[int]) -> None:
    responses = suffer(tails, redis.freeze, redis.thaw)
    assert tails.ahead(responses) > 0
    assert stale(responses) > 0
    check(tails, pids)


def test_redis_flushed(tails: Tails, redis: OwnRedis, pids: list[int]) -> None:
    responses = suffer(tails, redis.flush, redis.flush)
    assert tails.ahead(responses) > 0
    check(tails, pids)


def test_a_worker_before_an_empty_stream_answers_from_what_is_durable(tails: Tails, redis: OwnRedis) -> None:
    durable = independent.coverage(tails.lake)[tails.topic("documents")]
    tails.put("gone", shows("gone"))
    fresh(tails, "gone")
    tails.named["worker"].stop()
    tails.named["owner"].kill()
    redis.flush()
    tails.worker("worker")
    tails.ready("worker")
    text = shows("islet")
    seen = tails.put("islet", text)
    response = tails.ask("islet", naming("islet"), seen, timeout=2)
    assert response.stale is not None
    assert response.as_of is not None
    assert {
        str(number): end for number, end in response.as_of.coverage[tails.topic("documents")].items()
    } == durable
    tails.owner("owner")
    assert tails.ask("islet", naming("islet"), seen).text == text  # read again from what is durable
    assert tails.faults() == {}
