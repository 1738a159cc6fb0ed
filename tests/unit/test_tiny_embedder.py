"""The embedder of the unit tests, and what rows must be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.embedding.port import BadEmbedding
from freshline.embedding.tiny import DIMENSION, TinyEmbedder
from freshline.embedding.unit import unit_rows


@given(st.lists(st.text(), max_size=5))
def test_rows_have_length_one_and_do_not_depend_on_their_company(texts: list[str]) -> None:
    vectors = TinyEmbedder().documents(texts)
    assert vectors.shape == (len(texts), DIMENSION)
    assert vectors.dtype == np.float32
    for text, vector in zip(texts, vectors, strict=True):
        assert math.hypot(*vector.tolist()) == pytest.approx(1.0, abs=1e-6)
        assert np.array_equal(TinyEmbedder().queries([text])[0], vector)


def test_shared_words_are_near() -> None:
    tiny = TinyEmbedder()
    near, far = tiny.documents(["a red dog", "Big cats sleep"]) @ tiny.queries(["A red fox"])[0]
    assert near > 0.5 > far


def test_tokens_are_words() -> None:
    assert TinyEmbedder().count_tokens(["two words, here", ""]) == [3, 0]


def test_unit_rows_scales_and_names_every_bad_row() -> None:
    assert unit_rows(np.array([[3.0, 4.0]])).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
    bad = np.array([[0, 0], [1, 0], [np.nan, 1], [np.inf, 1], [1e-9, 0], [1e30, 1e30]], np.float32)
    with pytest.raises(BadEmbedding) as refused:
        unit_rows(bad)
    assert refused.value.rows == (0, 2, 3, 4)
    assert refused.value.row == 0


def test_no_rows() -> None:
    assert TinyEmbedder().documents([]).shape == (0, DIMENSION)
