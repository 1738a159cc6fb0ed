"""Owners and workers of the tail killed with SIGKILL, and strangers' values in its Redis streams.

Every answer is true at its stamp, nothing is missed for ever, and planted text never appears.
"""

import os
import signal
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from tests.support import independent
from tests.support.own_redis import OwnRedis
from tests.support.tail_stack import WITHIN, Tails, naming, shows

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(240)]

#: Stands in for as many bytes of a text, so that lengths and layouts stay what they were.
PLANTED = b"planted"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    made = OwnRedis(tmp_path_factory.mktemp("redis"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tails(broker: str, redis: OwnRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tails]:
    made = Tails(broker, tmp_path_factory.mktemp("tails"), f"tk{uuid4().hex[:8]}", redis.url)
    try:
        made.worker("worker")
        made.ready("worker")
        yield made
    finally:
        made.close()


@pytest.fixture
def owned(tails: Tails) -> Tails:
    """Have two owners and a worker, whatever the tests before have left."""
    for name in ("owner-a", "owner-b"):
        if not tails.lives(name):
            tails.owner(name)
    if not any(tails.lives(name) for name in ("worker", "worker-2")):
        tails.worker("worker")
    tails.ready(*[name for name in ("owner-a", "owner-b", "worker", "worker-2") if tails.lives(name)])
    return tails


@pytest.mark.parametrize("failpoint", ["tail.before_append", "tail.after_append"])
def test_an_owner_killed_at_a_failpoint(tails: Tails, failpoint: str) -> None:
    armed = tails.owner("owner", debug__failpoint=failpoint)
    text, name = shows("gate"), "gate"
    seen = tails.put(name, text)
    assert armed.wait_until_dead(WITHIN) == -signal.SIGKILL, armed.tail()
    response = tails.ask(name, naming(name), seen, timeout=3)
    assert (response.stale is None) == (failpoint == "tail.after_append")
    tails.owner("owner")
    assert tails.ask(name, naming(name), seen).text == text
    tails.named["owner"].kill()
    assert tails.faults() == {}


@pytest.mark.storm  # this and the next two wait for the broker to give a lost member up
def test_owners_killed_at_random(owned: Tails) -> None:
    random = Random(uuid4().int % 2**32)  # noqa: S311 - which of two is killed
    names = ("owner-a", "owner-b")

    def again() -> None:
        name = names[random.randrange(2)]
        owned.named[name].kill()
        owned.owner(name)

    responses = owned.edit_and_ask(120, {20: again, 60: owned.batches.decide, 80: again})
    assert [response.stale for response in responses if response.stale] == []
    assert owned.ahead(responses) > 0
    assert owned.faults() == {}


@pytest.mark.storm
def test_a_worker_killed(owned: Tails) -> None:
    for name in ("worker", "worker-2"):
        if not owned.lives(name):
            owned.worker(name)
    owned.ready("worker", "worker-2")
    responses = owned.edit_and_ask(60, {20: owned.named["worker"].kill})
    assert [response.stale for response in responses if response.stale] == []
    assert owned.ahead(responses) > 0
    assert owned.faults() == {}


@pytest.mark.storm
def test_an_owner_that_was_frozen_writes_what_another_has_written(owned: Tails) -> None:
    """It goes on in the middle of an entry, of partitions that are no longer its own."""
    pid = owned.named["owner-a"].process.pid

    def signalled(number: signal.Signals) -> Callable[[], None]:
        return lambda: os.kill(pid, number)

    frozen = owned.edit_and_ask(
        60, {20: signalled(signal.SIGSTOP)}
    )  # each question waits until it is given up
    back = owned.edit_and_ask(60, {10: signalled(signal.SIGCONT), 30: owned.batches.decide})
    assert [response.stale for response in frozen + back if response.stale] == []
    assert owned.ahead(frozen) > 0 < owned.ahead(back)
    assert owned.lives("owner-a")
    assert owned.faults() == {}


Tamper = Callable[[bytes], bytes]
TAMPERED: dict[str, Tamper] = {
    "other text": lambda value: value.replace(b"signal", PLANTED[:6]).replace(b"to ships", b"planted!"),
    "one bit": lambda value: value[:-1] + bytes([value[-1] ^ 1]),
    "cut": lambda value: value[: len(value) // 2],
    "longer": lambda value: value + value,
    "nothing": lambda _: b"",
    "somebody else's": lambda _: b'{"text": "planted"}',
    "as it was": lambda value: value,
}


@pytest.mark.parametrize("how", list(TAMPERED))
def test_strangers_values_beside_ours_change_nothing(owned: Tails, redis: OwnRedis, how: str) -> None:
    """The newest values of each stream are written a second time, changed, and into the next stream as well."""
    name = f"cape{list(TAMPERED).index(how)}"
    owned.ask(name, naming(name), owned.put(name, shows(name)))
    with Redis.from_url(redis.url, protocol=2) as client:
        streams = streams_of(client)
        assert streams
        for key, beside in zip(streams, [*streams[1:], streams[0]], strict=True):
            for _, fields in client.xrevrange(key, count=4):
                forged = {field: TAMPERED[how](value) for field, value in fields.items()}
                client.xadd(key, forged)
                client.xadd(beside, forged)
    text = shows(name)
    response = owned.ask(name, naming(name), owned.put(name, text))
    assert response.text == text
    owned.edit_and_ask(5)
    check_nothing_planted(owned)


def test_a_value_that_was_replaced_is_a_gap_and_no_more(owned: Tails, redis: OwnRedis) -> None:
    """What a new worker finds first is a stranger's: it answers from what is durable, and says so."""
    owned.batches.decide()
    seen = owned.put("cliff", shows("cliff"))
    owned.ask("cliff", naming("cliff"), seen)
    with Redis.from_url(redis.url, protocol=2) as client:
        for key in streams_of(client):
            entries = client.xrange(key)
            client.delete(key)
            for _, fields in entries:
                client.xadd(key, {field: TAMPERED["other text"](value) for field, value in fields.items()})
    for name in ("worker", "worker-2"):
        if owned.lives(name):
            assert owned.named[name].stop() == 0
    owned.worker("worker")
    owned.ready("worker")
    response = owned.ask("cliff", naming("cliff"), seen, timeout=2)
    assert response.stale is not None
    owned.batches.decide()
    assert owned.ask("cliff", naming("cliff"), seen).stale is None
    check_nothing_planted(owned)


def test_streams_that_are_no_streams_any_more_are_made_anew(owned: Tails, redis: OwnRedis) -> None:
    with Redis.from_url(redis.url, protocol=2) as client:
        for key in streams_of(client):
            client.set(key, PLANTED)
    name = "strait"
    response = owned.ask(name, naming(name), owned.put(name, shows(name)))
    assert (response.stale, owned.ahead([response])) == (None, 1)
    check_nothing_planted(owned)


def streams_of(client: Any) -> list[bytes]:
    return sorted(key for key in client.scan_iter() if client.type(key) == b"stream")


def check_nothing_planted(tails: Tails) -> None:
    assert tails.faults() == {}
    records = independent.committed_records(tails.broker, tails.topic("responses"))
    assert [record.key for record in records if PLANTED[:6] in record.value] == []
