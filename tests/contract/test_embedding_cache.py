"""The contract of every embedding cache: the twin in memory and the one in a real Redis both pass."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from freshline.cache.memory import MemoryEmbeddingCache
from freshline.cache.port import EmbeddingCache
from freshline.cache.redis_embeddings import RedisEmbeddingCache
from freshline.clock import ManualClock

TEXTS = ["", "a", "Füße 🎉", "a\x00b", "lone \ud800", "long " * 100_000]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
def new_cache(request: pytest.FixtureRequest) -> Callable[[], EmbeddingCache]:
    """Give a function that makes a cache which nobody else has written to."""
    if request.param == "memory":
        return MemoryEmbeddingCache
    url = request.getfixturevalue("redis_url")
    return lambda: RedisEmbeddingCache(url, secrets.token_hex(8), b"k" * 32, ttl=60.0)


def vectors(count: int, dimension: int = 384) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(7).standard_normal((count, dimension), dtype=np.float32)


def test_what_was_put_is_found_bit_for_bit_and_the_rest_is_not(
    new_cache: Callable[[], EmbeddingCache],
) -> None:
    cache = new_cache()
    put = dict(zip(TEXTS, vectors(len(TEXTS)), strict=True))
    cache.put(put)
    found = cache.get(["unknown", *TEXTS, "A", "a "])
    assert [v is None for v in found] == [True, *[False] * len(TEXTS), True, True]
    for text, vector in zip(TEXTS, found[1:-2], strict=True):
        assert vector is not None
        assert vector.dtype == np.float32
        assert vector.tobytes() == put[text].tobytes()


def test_order_and_repeats(new_cache: Callable[[], EmbeddingCache]) -> None:
    cache = new_cache()
    one, two = vectors(2, 3)
    cache.put({"1": one, "2": two})
    found = cache.get(["2", "1", "2"])
    assert [None if v is None else v.tolist() for v in found] == [two.tolist(), one.tolist(), two.tolist()]


def test_the_last_put_counts(new_cache: Callable[[], EmbeddingCache]) -> None:
    cache = new_cache()
    one, two = vectors(2, 3)
    cache.put({"t": one})
    cache.put({"t": two})
    (found,) = cache.get(["t"])
    assert found is not None
    assert found.tolist() == two.tolist()


def test_what_is_found_may_be_changed_and_what_was_put_too(new_cache: Callable[[], EmbeddingCache]) -> None:
    cache = new_cache()
    mine = np.ones(3, np.float32)
    cache.put({"t": mine})
    mine[:] = 2
    (found,) = cache.get(["t"])
    assert found is not None
    assert found.tolist() == [1, 1, 1]
    found[:] = 3
    (again,) = cache.get(["t"])
    assert again is not None
    assert again.tolist() == [1, 1, 1]


def test_many_at_once(new_cache: Callable[[], EmbeddingCache]) -> None:
    cache = new_cache()
    texts = [f"text {number}" for number in range(1_000)]
    cache.put(dict(zip(texts, vectors(1_000), strict=True)))
    assert sum(v is not None for v in cache.get(texts)) == 1_000


def test_one_of_two_is_to_embed_a_text_whether_or_not_it_is_put(
    new_cache: Callable[[], EmbeddingCache],
) -> None:
    cache = new_cache()  # claims have no owner: whoever asks second is told to wait
    assert cache.claim(["a", "b"]) == [True, True]
    assert cache.claim(["b", "c"]) == [False, True]
    cache.put({"b": np.ones(3, np.float32)})
    assert cache.claim(["a", "b", "c", "lone \ud800"]) == [False, False, False, True]
    assert cache.get(["a"]) == [None]  # a claim is no value


def test_a_text_twice_in_one_call_is_claimed_once(new_cache: Callable[[], EmbeddingCache]) -> None:
    assert new_cache().claim(["a", "a"]) == [True, False]


def test_of_many_texts_claimed_at_once_by_several_threads_each_has_one_owner(
    new_cache: Callable[[], EmbeddingCache],
) -> None:
    cache = new_cache()
    texts = [f"text {number}" for number in range(600)]
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(cache.claim, [texts] * 4))
    assert [sum(owners) for owners in zip(*claims, strict=True)] == [1] * 600


def test_nothing(new_cache: Callable[[], EmbeddingCache]) -> None:
    cache = new_cache()
    cache.put({})
    assert (cache.get([]), cache.claim([])) == ([], [])


def test_a_claim_in_memory_ends_by_itself() -> None:
    clock = ManualClock()
    cache = MemoryEmbeddingCache(claim=5.0, clock=clock)
    assert cache.claim(["a"]) == [True]
    clock.advance(4.9)
    assert cache.claim(["a", "b"]) == [False, True]
    clock.advance(0.2)
    assert cache.claim(["a", "b"]) == [True, False]
