"""What a segment's index proposes and compares, against brute force."""

from typing import Any, cast

import faiss
import numpy as np
import pytest

from freshline.index.vectors import (
    EXACT_ROWS,
    FACTORS,
    TARGET,
    candidates_for,
    codes_of,
    flat_of,
    make_index,
    products,
    raise_factor,
)


def clustered(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around one centre for each hundred of them."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(max(count // 100, 1), dimension))
    raw = centres[random.integers(0, len(centres), count)] + 0.7 * random.normal(size=(count, dimension))
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("count", [0, 1, EXACT_ROWS])
def test_small_segments_hold_vectors_alone(count: int) -> None:
    index = make_index(clustered(count, 8))
    assert codes_of(index) is None
    assert flat_of(index) is index
    assert index.ntotal == count


@pytest.mark.parametrize("dimension", [3, 8, 64])
def test_codes_keep_the_vectors_and_survive_a_file(dimension: int) -> None:
    vectors = clustered(EXACT_ROWS + 1, dimension)
    index: Any = faiss.deserialize_index(faiss.serialize_index(make_index(vectors)))
    codes = codes_of(index)
    assert codes is not None
    assert codes.ntotal == index.ntotal == EXACT_ROWS + 1
    assert index.k_factor in FACTORS
    np.testing.assert_array_equal(flat_of(index).reconstruct_n(0, index.ntotal), vectors)


def test_the_same_vectors_give_the_same_file() -> None:
    vectors = clustered(EXACT_ROWS + 1, 16)
    first, second = (faiss.serialize_index(make_index(vectors)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_is_proposed_reaches_the_target() -> None:
    vectors, questions = clustered(20_000, 64), clustered(100, 64, seed=1)
    index = make_index(vectors)
    codes = codes_of(index)
    assert codes is not None
    best = np.argsort(-(questions @ vectors.T), axis=1)[:, :50]
    _, proposed = codes.search(questions, candidates_for(index, 50))
    found = [len(set(one) & set(other)) for one, other in zip(best, proposed, strict=True)]
    assert np.mean(found) / 50 >= TARGET


def test_a_segment_full_of_equal_vectors_is_no_trap() -> None:
    index = make_index(np.tile(clustered(1, 16), (EXACT_ROWS + 1, 1)))
    assert index.ntotal == EXACT_ROWS + 1


def test_products_are_those_under_a_selector_to_the_last_bit() -> None:
    vectors, questions = clustered(3000, 384), clustered(5, 384, seed=1)
    flat = faiss.IndexFlatIP(384)
    flat.add(vectors)
    bits = np.full(375, 255, np.uint8)
    selector, parameters = cast(
        "Any", (faiss.IDSelectorBitmap, faiss.SearchParameters)
    )  # the stubs lack NumPy forms
    scores, rows = flat.search(questions, 3000, params=parameters(sel=selector(bits)))
    np.testing.assert_array_equal(products(flat, questions, rows), scores)


def test_no_row_has_no_score() -> None:
    flat = faiss.IndexFlatIP(2)
    flat.add(np.array([[1, 2], [3, 4]], np.float32))
    scores = products(flat, np.array([[10, 1]], np.float32), np.array([[1, -1, 0]]))
    assert scores.tolist() == [[34.0, -np.inf, 12.0]]


def test_the_factor_rises_to_an_end() -> None:
    index = make_index(clustered(EXACT_ROWS + 1, 8))
    assert (candidates_for(index, 10), candidates_for(index, 200)) == (320, 3200)  # 16 · 20, 16 · 200
    assert [raise_factor(index) for _ in range(3)] == [True, True, False]
    assert index.k_factor == 64
