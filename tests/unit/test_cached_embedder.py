"""An embedder behind a cache: what is embedded, what is not."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.cache.memory import MemoryEmbeddingCache
from freshline.cache.port import NoEmbeddingCache
from freshline.clock import ManualClock
from freshline.embedding.cached import CachedEmbedder
from freshline.embedding.port import BadEmbedding, Vectors
from freshline.embedding.tiny import DIMENSION, TinyEmbedder


class Recording(TinyEmbedder):
    """Remembers what it was asked; refuses the texts named `bad`."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def documents(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        if "bad" in texts:
            raise BadEmbedding([row for row, text in enumerate(texts) if text == "bad"])
        return super().documents(texts)


def test_each_text_is_embedded_once_and_only_once() -> None:
    inner = Recording()
    cached = CachedEmbedder(inner, MemoryEmbeddingCache())
    first = cached.documents(["a", "b", "a"])
    again = cached.documents(["b", "c", "b", "a"])
    assert inner.asked == [["a", "b"], ["c"]]
    assert (cached.embedded, cached.hits) == (3, 2)
    assert np.array_equal(first[[0, 1]], again[[3, 0]])


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=6), max_size=4))
def test_vectors_are_those_of_the_embedder_whatever_is_remembered(calls: list[list[str]]) -> None:
    for cache in (MemoryEmbeddingCache(), NoEmbeddingCache()):
        cached = CachedEmbedder(TinyEmbedder(), cache)
        for texts in calls:
            assert np.array_equal(cached.documents(texts), TinyEmbedder().documents(texts))


def test_a_bad_text_is_named_by_its_rows_in_this_call() -> None:
    cached = CachedEmbedder(Recording(), MemoryEmbeddingCache())
    cached.documents(["a"])
    with pytest.raises(BadEmbedding) as refused:
        cached.documents(["a", "bad", "b", "bad"])
    assert refused.value.rows == (1, 3)


def test_nothing_asked_is_nothing_done() -> None:
    inner = Recording()
    assert CachedEmbedder(inner, MemoryEmbeddingCache()).documents([]).shape == (0, DIMENSION)
    assert inner.asked == []


def test_questions_pass_through() -> None:
    cached = CachedEmbedder(TinyEmbedder(), MemoryEmbeddingCache())
    assert np.array_equal(cached.queries(["q"]), TinyEmbedder().queries(["q"]))
    assert (cached.embedded, cached.hits, cached.count_tokens(["a b"])) == (0, 0, [2])


# claims: another process embeds some of the texts


class Elsewhere:
    """A process that has claimed texts, and does something when others have waited for so many seconds."""

    def __init__(self, cache: MemoryEmbeddingCache, claimed: Sequence[str]) -> None:
        assert all(cache.claim(claimed))
        self.cache = cache
        self.clock = ManualClock(0.0)
        self.at: dict[float, Callable[[], None]] = {}

    def puts(self, *texts: str) -> None:
        self.cache.put(dict(zip(texts, TinyEmbedder().documents(texts), strict=True)))

    def sleep(self, seconds: float) -> None:
        before = self.clock.seconds
        self.clock.advance(seconds)
        for when, action in self.at.items():
            if before < when <= self.clock.seconds:
                action()

    def beside(self, inner: Recording, *, yields: bool = False) -> CachedEmbedder:
        return CachedEmbedder(
            inner, self.cache, claims=True, yields=yields, clock=self.clock, sleep=self.sleep
        )


def test_what_another_has_claimed_is_waited_for_and_the_rest_embedded_meanwhile() -> None:
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), ["b", "d"]), Recording()
    elsewhere.puts("z")
    elsewhere.at = {0.02: lambda: elsewhere.puts("b"), 0.04: lambda: elsewhere.puts("d")}
    cached = elsewhere.beside(inner)
    texts = ["a", "b", "z", "c", "b", "d"]
    assert np.array_equal(cached.documents(texts), TinyEmbedder().documents(texts))
    assert inner.asked == [["a", "c"]]
    assert (cached.embedded, cached.hits) == (2, 3)  # a, c; z at once, b and d later
    assert elsewhere.clock.seconds == pytest.approx(0.04, abs=0.0051)  # looked every 5 ms


def test_a_claimer_that_dies_costs_the_wait_and_nothing_else() -> None:
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), ["b", "d"]), Recording()
    elsewhere.at = {0.05: lambda: elsewhere.puts("d")}
    cached = elsewhere.beside(inner)
    assert np.array_equal(cached.documents(["a", "b", "d"]), TinyEmbedder().documents(["a", "b", "d"]))
    assert inner.asked == [["a"], ["b"]]
    assert (cached.embedded, cached.hits) == (2, 1)
    assert elsewhere.clock.seconds == pytest.approx(0.5, abs=0.0051)
    cached.documents(["b"])
    assert (inner.asked, cached.hits) == ([["a"], ["b"]], 2)  # it was put


def test_the_wait_begins_when_the_own_texts_are_embedded() -> None:
    elsewhere = Elsewhere(MemoryEmbeddingCache(), ["b", "c"])

    class Slow(Recording):
        def documents(self, texts: Sequence[str]) -> Vectors:
            elsewhere.sleep(0.2)
            return super().documents(texts)

    inner = Slow()
    elsewhere.at = {0.1: lambda: elsewhere.puts("c")}
    cached = elsewhere.beside(inner)
    cached.documents(["a", "b", "c"])
    assert inner.asked == [["a"], ["b"]]  # c had come meanwhile
    assert elsewhere.clock.seconds == pytest.approx(0.9, abs=0.0051)  # two calls of .2 s, and .5 s for b
    assert (cached.embedded, cached.hits) == (2, 1)


def test_many_texts_are_claimed_16_at_a_time_and_shared_with_who_works_on_them_too() -> None:
    elsewhere = Elsewhere(MemoryEmbeddingCache(), [])
    texts = [f"t{number}" for number in range(40)]

    class Slow(Recording):
        def documents(self, texts: Sequence[str]) -> Vectors:
            elsewhere.sleep(0.1)
            return super().documents(texts)

    inner = Slow()
    elsewhere.at = {0.05: lambda: elsewhere.puts(*texts[20:36])}  # while the first 16 are embedded here
    cached = elsewhere.beside(inner)
    assert np.array_equal(cached.documents(texts), TinyEmbedder().documents(texts))
    assert inner.asked == [texts[:16], texts[16:20], texts[36:]]
    assert (cached.embedded, cached.hits) == (24, 16)


def test_more_than_256_missing_texts_are_embedded_without_asking() -> None:
    texts = [f"t{number}" for number in range(257)]
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), texts), Recording()
    elsewhere.beside(inner).documents(texts)
    assert inner.asked == [texts]
    assert elsewhere.clock.seconds == 0.0
    few = [f"u{number}" for number in range(256)]
    other, idle = Elsewhere(MemoryEmbeddingCache(), few), Recording()
    other.at = {0.01: lambda: other.puts(*few)}
    other.beside(idle).documents(few)
    assert idle.asked == []


def test_without_claims_nothing_is_claimed_or_waited_for() -> None:
    cache, inner = MemoryEmbeddingCache(), Recording()
    assert cache.claim(["a"]) == [True]
    CachedEmbedder(inner, cache).documents(["a", "b"])
    assert inner.asked == [["a", "b"]]
    assert cache.claim(["b"]) == [True]


def test_after_a_bad_text_the_own_claims_are_not_waited_for() -> None:
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), ["x"]), Recording()
    cached = elsewhere.beside(inner)
    with pytest.raises(BadEmbedding) as refused:
        cached.documents(["a", "bad", "b", "bad"])
    assert refused.value.rows == (1, 3)
    cached.documents(["a", "b", "c"])
    assert inner.asked == [["a", "bad", "b"], ["a", "b", "c"]]
    assert elsewhere.clock.seconds == 0.0


def test_a_bad_text_that_another_has_claimed_is_refused_here_too_and_the_wait_is_not_repeated() -> None:
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), ["bad", "b"]), Recording()
    cached = elsewhere.beside(inner)
    with pytest.raises(BadEmbedding) as refused:
        cached.documents(["a", "bad", "b"])
    assert refused.value.rows == (1,)
    waited = elsewhere.clock.seconds
    assert waited == pytest.approx(0.5, abs=0.0051)
    cached.documents(["a", "b"])
    assert inner.asked == [["a"], ["bad", "b"], ["b"]]
    assert elsewhere.clock.seconds == waited
    assert (cached.embedded, cached.hits) == (2, 1)  # a, b; a was put before the refusal


def test_two_embedders_in_two_threads_embed_each_text_once() -> None:
    cache = MemoryEmbeddingCache()

    class Slow(Recording):
        """Embeds only when the other one has begun too, so that both have missed the texts."""

        def __init__(self, mine: Event, others: Event) -> None:
            super().__init__()
            self._mine, self._others = mine, others

        def documents(self, texts: Sequence[str]) -> Vectors:
            self._mine.set()
            assert self._others.wait(10.0)
            time.sleep(0.01)
            return super().documents(texts)

    one_begun, two_begun = Event(), Event()
    slow = [Slow(one_begun, two_begun), Slow(two_begun, one_begun)]
    # time stands still for them: both wait until the other has put its own
    both = [CachedEmbedder(inner, cache, claims=True, clock=ManualClock()) for inner in slow]
    with ThreadPoolExecutor(2) as pool:
        calls = [["a", "b", "c", "only one"], ["c", "b", "d", "only two"]]
        runs = [pool.submit(one.documents, texts) for one, texts in zip(both, calls, strict=True)]
        for run, texts in zip(runs, calls, strict=True):
            assert np.array_equal(run.result(20.0), TinyEmbedder().documents(texts))
    embedded = [text for inner in slow for call in inner.asked for text in call]
    assert sorted(embedded) == ["a", "b", "c", "d", "only one", "only two"]
    assert sum(one.embedded for one in both) == 6
    assert [one.embedded + one.hits for one in both] == [4, 4]


def test_who_yields_embeds_nothing_as_long_as_another_brings_something() -> None:
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), []), Recording()
    elsewhere.at = {0.2: lambda: elsewhere.puts("a"), 0.4: lambda: elsewhere.puts("b", "c")}
    cached = elsewhere.beside(inner, yields=True)
    assert np.array_equal(cached.documents(["a", "b", "c"]), TinyEmbedder().documents(["a", "b", "c"]))
    assert inner.asked == []
    assert (cached.embedded, cached.hits) == (0, 3)
    assert elsewhere.clock.seconds == pytest.approx(0.4, abs=0.0051)


def test_who_yields_begins_a_quarter_second_after_the_last_news() -> None:
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), []), Recording()
    elsewhere.at = {0.1: lambda: elsewhere.puts("a")}
    cached = elsewhere.beside(inner, yields=True)
    cached.documents(["a", "b", "c"])
    assert inner.asked == [["b", "c"]]
    assert elsewhere.clock.seconds == pytest.approx(0.35, abs=0.0051)


def test_who_brought_nothing_is_not_waited_for_again_for_two_seconds() -> None:
    elsewhere, inner = Elsewhere(MemoryEmbeddingCache(), []), Recording()
    cached = elsewhere.beside(inner, yields=True)
    cached.documents(["a"])
    cached.documents(["b"])
    assert inner.asked == [["a"], ["b"]]
    assert elsewhere.clock.seconds == pytest.approx(0.25, abs=0.0051)
    elsewhere.clock.advance(2.0)
    cached.documents(["c"])
    assert elsewhere.clock.seconds == pytest.approx(2.5, abs=0.0102)
    elsewhere.clock.advance(2.0)
    cached.documents(["d"])  # it brought nothing twice: 4 s
    assert elsewhere.clock.seconds == pytest.approx(4.5, abs=0.0102)
