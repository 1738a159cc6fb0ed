"""The benchmark of search: recall, the setting that is compared, and what a store's process says."""

import numpy as np
import pytest

from benchmarks.search import Point, fastest, nearest
from benchmarks.search_corpus import best_rows, recall
from benchmarks.stores.install import PINS, requirements
from benchmarks.stores.peer import Answer, Hello, PeerError, parsed, rows_of

CURVE = [Point(8, 0.90, 300.0), Point(16, 0.95, 200.0), Point(32, 0.99, 100.0)]


def test_recall_counts_rows_found_in_any_order_and_nothing_for_what_is_missing() -> None:
    found = np.array([[3, 1, 9], [4, -1, -1]])
    truth = np.array([[1, 2, 3], [4, 5, 6]])
    assert recall(found, truth) == pytest.approx((2 + 1) / 6)


def test_brute_force_finds_the_best_of_the_allowed_rows_alone() -> None:
    vectors = np.arange(30, dtype=np.float32)[:, None]  # the greater the row, the better
    (rows,) = best_rows(vectors, np.ones((1, 1), np.float32), np.arange(0, 30, 2))
    assert sorted(rows) == [10, 12, 14, 16, 18, 20, 22, 24, 26, 28]


def test_the_first_setting_that_reaches_the_bound_is_compared() -> None:
    assert nearest(CURVE, 0.95) == Point(16, 0.95, 200.0)
    assert nearest(CURVE, 0.951) == Point(32, 0.99, 100.0)
    assert nearest(CURVE, 0.991) is None


def test_the_fastest_index_is_that_at_the_bound_not_anywhere() -> None:
    other = [Point(1, 0.5, 9_000.0), Point(2, 0.97, 150.0)]
    assert fastest({"ivf": CURVE, "graph": other}, 0.95) == ("ivf", Point(16, 0.95, 200.0))
    assert fastest({"ivf": CURVE, "graph": other}, 0.96) == ("graph", Point(2, 0.97, 150.0))
    assert fastest({"ivf": CURVE}, 1.0) is None


def test_what_a_store_says_is_parsed() -> None:
    hello = parsed('{"what": "a graph", "settings": [1, 2], "filters": true, "seconds": 3.5}', Hello)
    assert hello == Hello(what="a graph", settings=(1, 2), filters=True, seconds=3.5)
    answer = parsed('{"seconds": 0.5, "found": [[7, 8], [9]]}', Answer)
    assert rows_of(answer, 3).tolist() == [[7, 8, -1], [9, -1, -1]]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"error": "ImportError: libssl"}', "ImportError: libssl"),
        ("", "it ended without a word"),
        ("Segmentation", "it said 'Segmentation'"),
        ('{"seconds": "1"}', "it said"),
    ],
)
def test_a_store_that_fails_is_told_and_not_hidden(line: str, told: str) -> None:
    with pytest.raises(PeerError, match=told):
        parsed(line, Answer)


@pytest.mark.parametrize("store", sorted(PINS))
def test_every_package_of_a_store_is_pinned(store: str) -> None:
    assert all(line.count("==") == 1 and line.split("==")[1][0].isdigit() for line in requirements(store))
