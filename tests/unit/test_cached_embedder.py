"""An embedder behind a cache: what is embedded, what is not."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.cache.memory import MemoryEmbeddingCache
from freshline.cache.port import NoEmbeddingCache
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
