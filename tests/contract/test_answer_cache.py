"""The contract of every answer cache: the twin in memory and the one in a real Redis both pass."""

import secrets
from collections.abc import Callable

import pytest

from freshline.cache.memory import MemoryAnswerCache, MemoryAnswers
from freshline.cache.port import AnswerCache, Look
from freshline.cache.redis_answers import RedisAnswerCache
from tests.support.waiting import wait_for

NOTHING = Look(None, claimed=False)
#: Gives one worker's view, of claims that last so many seconds; all see the same values.
NewCache = Callable[[float], AnswerCache]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
def new_cache(request: pytest.FixtureRequest) -> NewCache:
    if request.param == "memory":
        shared = MemoryAnswers()
        return lambda claim: MemoryAnswerCache(shared, claim)
    url, deployment = request.getfixturevalue("redis_url"), secrets.token_hex(8)
    return lambda claim: RedisAnswerCache(url, deployment, b"k" * 32, 60.0, claim=claim)


def test_what_was_put_is_found_byte_for_byte_by_all_and_the_rest_is_not(new_cache: NewCache) -> None:
    one, two = new_cache(60.0), new_cache(60.0)
    put = {"a": b"", "b": bytes(range(256)), "c": b"x" * 1_000_000}
    one.put(put)
    found = two.look(["d", "c", "b", "a", "c"])
    assert found == [
        NOTHING,
        *(Look(put[key], claimed=False) for key in ("c", "b", "a", "c")),
    ]
    one.put({"a": b"newer"})
    assert two.look(["a"]) == [Look(b"newer", claimed=False)]


def test_one_of_two_makes_it_until_it_releases(new_cache: NewCache) -> None:
    one, two = new_cache(60.0), new_cache(60.0)
    assert one.claim(["a", "b"]) == [True, True]
    assert two.claim(["b", "c"]) == [False, True]
    assert two.look(["a", "b", "c", "d"]) == [Look(None, claimed=name in "abc") for name in "abcd"]
    two.release(["a", "b"])  # not its own: nothing happens
    assert two.claim(["a", "b"]) == [False, False]
    one.put({"b": b"made"})
    one.release(["b"])
    assert two.look(["a", "b"]) == [Look(None, claimed=True), Look(b"made", claimed=False)]
    assert two.claim(["b"]) == [True]


def test_nobody_claims_twice(new_cache: NewCache) -> None:
    one = new_cache(60.0)
    assert one.claim(["a"]) == [True]
    assert one.claim(["a"]) == [False]
    one.release(["a"])
    one.release(["a"])
    assert one.claim(["a"]) == [True]


def test_a_claim_ends_by_itself_and_its_late_owner_leaves_the_next_one_alone(new_cache: NewCache) -> None:
    late, next_one = new_cache(0.02), new_cache(60.0)
    assert late.claim(["a"]) == [True]
    wait_for(lambda: next_one.claim(["a"]) == [True], what="the claim's end", within=10.0, every=0.005)
    late.release(["a"])
    assert next_one.look(["a"]) == [Look(None, claimed=True)]


def test_nothing(new_cache: NewCache) -> None:
    cache = new_cache(60.0)
    cache.put({})
    cache.release([])
    assert (cache.look([]), cache.claim([])) == ([], [])
